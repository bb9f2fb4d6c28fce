#!/usr/bin/env bash
# What takes too long for every change: every file of the corpus in every output format, every file damaged in 128 ways, 20,000 changes of hosted
# images under kills, every fuzz target for a minute. The logs are in target/test-long; the summary is printed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${CALOTYPE_SHARED:-}" ]; then
  if [ "${CI:-}" = true ]; then
    echo "test-long: CALOTYPE_SHARED must name the folder of the test corpus" >&2
    exit 1
  fi
  echo "test-long: left out: every file of the corpus, and fuzzing from it, for CALOTYPE_SHARED is not set"
fi
logs=target/test-long
mkdir -p "$logs"

failed=()
CALOTYPE_EVERY_FILE=all cargo test --quiet --locked --package calotype-engine --test every_file >"$logs/every-file.log" 2>&1 || failed+=("every file")
KILL_REQUESTS=20000 cargo test --quiet --locked --workspace --test hosted_program kills -- --nocapture >"$logs/kills.log" 2>&1 || failed+=("kills")
scripts/fuzz.sh "${FUZZ_SECONDS:-60}" >"$logs/fuzz.log" 2>&1 || failed+=(fuzzing)

cat "$logs/every-file.log" "$logs/kills.log"
grep -h '^fuzz:' "$logs/fuzz.log" || tail -20 "$logs/fuzz.log"
if [ ${#failed[@]} -gt 0 ]; then
  echo "make test-long: failed: ${failed[*]}; logs in $logs" >&2
  exit 1
fi
echo "make test-long: all passed; logs in $logs"
