#!/usr/bin/env bash
# Measures what resizing in encoded values and in linear light make of pictures, and what both cost. Writes bench/report/light.{json,md}, and contact
# sheets of what to look at into .tools/bench/light. What follows from it: docs/design/light.md.
#
#   bench/light/run.sh                  photographs below $BENCH_PHOTOS, or below $CALOTYPE_SHARED/corpus/photo
#   bench/light/run.sh --sheets         contact sheets alone
#
# LIGHT_BIN, JOB_BIN and BENCH_JUDGE name programs that are built already: the examples `light` and `job`, and bench/jobs/judge.
set -euo pipefail
cd "$(dirname "$0")/../.."
. bench/prepare.sh
prepare_photographs
[ -n "${LIGHT_PYTHON:-}" ] || { prepare_python; LIGHT_PYTHON=$python; }
target=${CARGO_TARGET_DIR:-target}
if [ -z "${LIGHT_BIN:-}" ]; then
  cargo build --release --locked --quiet --package calotype-resample --example light
  LIGHT_BIN=$target/release/examples/light
fi
if [ -z "${JOB_BIN:-}" ]; then
  cargo build --release --locked --quiet --package calotype-engine --example job
  JOB_BIN=$target/release/examples/job
fi
if [ -z "${BENCH_JUDGE:-}" ]; then
  cargo build --release --quiet --locked --manifest-path bench/jobs/judge/Cargo.toml --target-dir "$tools/target"
  BENCH_JUDGE=$tools/target/release/calotype-bench-judge
fi
export LIGHT_BIN JOB_BIN BENCH_JUDGE LIGHT_WORK=${LIGHT_WORK:-$tools/light} OPENBLAS_NUM_THREADS=1
exec "$LIGHT_PYTHON" bench/light/main.py "$@"
