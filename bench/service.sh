#!/usr/bin/env bash
# Measures Calotype's server beside oximg's and one of sharp, per format of the source, and writes bench/report/service.{json,md}. What is compared:
# bench/METHODOLOGY.md.
#
#   bench/service.sh                             4 formats, 3 servers, a minute each
#   bench/service.sh --seconds 5 --formats jpeg  a quick look
#
# Photographs: JPEGs of at least 2 megapixels below $BENCH_PHOTOS, or below $CALOTYPE_SHARED/corpus/photo; 100 are made of them once, in four formats.
# CALOTYPE_BIN names a server that is built already; otherwise a release build is made. oximg's server is installed from source.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/prepare.sh
prepare_photographs
prepare_node
prepare_python
prepare_oximg

if [ -z "${CALOTYPE_BIN:-}" ]; then
  cargo build --release --locked --quiet --package calotype
  CALOTYPE_BIN=${CARGO_TARGET_DIR:-target}/release/calotype
fi
cargo build --release --quiet --locked --manifest-path bench/jobs/judge/Cargo.toml --target-dir "$tools/target"
oximg=$tools/oximg-$oximg_version${oximg_features:+-$oximg_features}
[ -x "$oximg/bin/oximg" ] || cargo install oximg --quiet --locked --version $oximg_version --bin oximg --root "$oximg" --target-dir "$tools/target" ${oximg_features:+--features $oximg_features}

export BENCH_CALOTYPE=$CALOTYPE_BIN BENCH_OXIMG=$oximg/bin/oximg BENCH_OXIMG_AVIF=${oximg_features:+1} BENCH_PYTHON=$python
export BENCH_OXIMG_VERSION="$oximg_version, ${oximg_features:-without AVIF: that needs SVT-AV1 4.1 and dav1d 1.3 of the system}"
export BENCH_JUDGE=$tools/target/release/calotype-bench-judge BENCH_JUDGE_VERSION='crates ssimulacra2 0.5.1 and butteraugli 0.9.3'
export OPENBLAS_NUM_THREADS=1 BENCH_WORK=$tools/service
mkdir -p "$BENCH_WORK"
exec node bench/service/main.js "$@"
