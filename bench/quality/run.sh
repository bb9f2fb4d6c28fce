#!/usr/bin/env bash
# Measures how alike the formats look at equal quality numbers, and writes bench/report/quality.{json,md}.
#
#   bench/quality/run.sh                every JPEG below $BENCH_PHOTOS, or below $CALOTYPE_SHARED/corpus/photo
#   bench/quality/run.sh 50 85          these qualities alone, for a quick look
#
# AVIF is measured with the libaom that the program finds: LD_LIBRARY_PATH chooses a newer one.
set -euo pipefail
cd "$(dirname "$0")/../.."
QUALITY_BIN=${QUALITY_BIN:-}
if [ -z "$QUALITY_BIN" ]; then
  cargo build --release --locked --quiet --package calotype-codec --example quality
  QUALITY_BIN=target/release/examples/quality
fi
export QUALITY_BIN
python=bench/.venv/bin/python
if ! $python -c 'import PIL, numpy, ssimulacra2' 2>/dev/null; then
  python3 -m venv bench/.venv
  bench/.venv/bin/pip install --quiet --disable-pip-version-check --requirement bench/requirements.txt
fi
exec $python bench/quality/main.py "$@"
