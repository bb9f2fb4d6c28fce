#!/usr/bin/env bash
# Measures jobs J1 to J9 against sharp and oximg and writes bench/report/jobs.{json,md} and bench/report/jobs-*.svg. What is compared: bench/METHODOLOGY.md.
#
#   bench/jobs.sh                                5 rounds, all jobs
#   bench/jobs.sh --jobs J1,J4 --rounds 1        a quick look
#   bench/jobs.sh --ours-only --no-quality       the times of Calotype alone
#   bench/jobs.sh --help                         all options
#
# What measures only a part does not touch the report; it is written to .tools/bench/jobs/part.
#
# Photographs: JPEGs of at least 20 megapixels below $BENCH_PHOTOS, or below $CALOTYPE_SHARED/corpus/photo; one is enough.
# It needs Rust, Node 20.12 or newer, Python 3 with `venv`, and Linux. sharp, oximg and the judges are installed, oximg and the judges from source.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/prepare.sh
prepare_photographs
prepare_node
prepare_python
prepare_oximg

target=${CARGO_TARGET_DIR:-target}
cargo build --release --quiet --package calotype-engine --example job
export BENCH_CALOTYPE=$target/release/examples/job

built=$tools/target/release
cargo build --release --quiet --locked --manifest-path bench/jobs/judge/Cargo.toml --target-dir "$tools/target"
export BENCH_JUDGE=$built/calotype-bench-judge BENCH_JUDGE_VERSION='crates ssimulacra2 0.5.1 and butteraugli 0.9.3'
case " $* " in
  *' --ours-only '*) ;;
  *)
    cargo build --release --quiet --locked --manifest-path bench/jobs/oximg/Cargo.toml --target-dir "$tools/target" ${oximg_features:+--features $oximg_features}
    export BENCH_OXIMG=$built/calotype-bench-oximg BENCH_OXIMG_AVIF=${oximg_features:+1}
    export BENCH_OXIMG_VERSION="$oximg_version, its library in a loop, ${oximg_features:-without AVIF: that needs SVT-AV1 4.1 and dav1d 1.3 of the system}"
    ;;
esac
# One thread each: everything timed is pinned to one core anyway.
export OPENBLAS_NUM_THREADS=1 BENCH_WORK=$tools/jobs
exec $python bench/jobs/main.py "$@"
