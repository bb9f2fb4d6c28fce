#!/usr/bin/env bash
# Measures the server against sharp on the same transforms and writes bench/report/throughput.{json,md}. What is compared: bench/METHODOLOGY.md.
#
#   bench/run.sh                                 1,000 transforms, 3 rounds of each, 32 in flight
#   bench/run.sh --requests 40 --rounds 1        a quick look
#   bench/run.sh --sharp-webp-effort 2           sharp with the WebP effort that Calotype uses, instead of its default
#
# Photographs: JPEGs of at least 3 megapixels below $BENCH_PHOTOS, or below $CALOTYPE_SHARED/corpus/photo.
# CALOTYPE_BIN names a server that is built already; otherwise a release build is made.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${CALOTYPE_BIN:-}" ]; then
  cargo build --release --locked --quiet --package calotype
  CALOTYPE_BIN=target/release/calotype
fi
export CALOTYPE_BIN
node_modules=bench/node_modules
[ -d $node_modules/sharp ] && [ $node_modules -nt bench/package-lock.json ] || { npm ci --prefix bench --silent --no-fund --no-audit; touch $node_modules; }
python=bench/.venv/bin/python
if ! $python -c 'import PIL, numpy, ssimulacra2' 2>/dev/null; then
  python3 -m venv bench/.venv
  bench/.venv/bin/pip install --quiet --disable-pip-version-check --requirement bench/requirements.txt
fi
BENCH_PYTHON=$python exec node bench/throughput/main.js "$@"
