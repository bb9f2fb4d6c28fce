# Read by the scripts beside it, from the root of the repository: what several of them need.

prepare_node() {
  local node_modules=bench/node_modules
  [ -d $node_modules/sharp ] && [ $node_modules -nt bench/package-lock.json ] || { npm ci --prefix bench --silent --no-fund --no-audit; touch $node_modules; }
}

# Sets $python.
prepare_python() {
  python=bench/.venv/bin/python
  if ! [ bench/.venv/requirements -nt bench/requirements.txt ]; then
    python3 -m venv bench/.venv
    bench/.venv/bin/pip install --quiet --disable-pip-version-check --requirement bench/requirements.txt
    touch bench/.venv/requirements
  fi
}

# Sets $tools: where what is built for benchmarks alone lies, outside the product's target folder.
tools=${CALOTYPE_BENCH_TOOLS:-$PWD/.tools/bench}

# The folder with photographs, which are not part of the repository.
prepare_photographs() {
  export BENCH_PHOTOS=${BENCH_PHOTOS:-${CALOTYPE_SHARED:?set BENCH_PHOTOS to a folder with photographs}/corpus/photo}
}

# oximg's AVIF needs newer libraries than most systems have; without them it is measured without AVIF, and the report says so. Sets $oximg_features.
prepare_oximg() {
  oximg_version=0.18.1 oximg_features=
  if pkg-config --atleast-version=4.1 SvtAv1Enc 2>/dev/null && pkg-config --atleast-version=1.3 dav1d 2>/dev/null; then
    oximg_features=avif
    export SVT_AV1_LIB_DIR=${SVT_AV1_LIB_DIR:-$(pkg-config --variable=libdir SvtAv1Enc)}
    # cargo looks at no environment for what an installed library links against.
    export LD_LIBRARY_PATH=$SVT_AV1_LIB_DIR:$(pkg-config --variable=libdir dav1d)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  fi
}
