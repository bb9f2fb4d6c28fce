#!/usr/bin/env bash
# Measures how much memory the engine holds under churn, with glibc's allocator as it comes, limited to two arenas, and with jemalloc where it is
# installed, and writes bench/report/soak.{json,md}. What it means: bench/METHODOLOGY.md.
#
#   bench/soak.sh                     a minute of each, on 8 threads
#   bench/soak.sh --seconds 3600      an hour of each
#   bench/soak.sh --only arenas2      one of them: default, arenas2, jemalloc
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/prepare.sh
prepare_photographs
target=${CARGO_TARGET_DIR:-target}
cargo build --release --quiet --package calotype-engine --example soak
BENCH_SOAK=$target/release/examples/soak exec python3 bench/soak/main.py "$@"
