#!/usr/bin/env bash
# Builds our test of complete delivery with hyper 1.10.0 and succeeds if exactly those tests fail that this hyper must fail: so they can fail.
# 15 seconds on two cores from nothing, one when built.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
export CARGO_TARGET_DIR=$root/target/hyper-1.10

# What hyper lacks before 1.11 and 1.12 (crates/calotype-http/tests/delivery/stalled_socket/mod.rs).
expected="a_body_that_another_thread_feeds_is_sent_whole_though_the_request_was_not_read_to_its_end
an_answer_to_a_request_that_was_not_read_to_its_end_is_sent_whole
the_end_of_a_body_that_comes_between_two_polls_is_sent"

cargo test --quiet --locked --no-run --test delivery
log=$CARGO_TARGET_DIR/delivery.log
RUST_BACKTRACE=0 cargo test --quiet --locked --no-fail-fast --test delivery -- --format=pretty >"$log" 2>&1 || true
failed=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | sort)
passed=$(grep -c '^test .* \.\.\. ok$' "$log" || true)

if [ "$failed" != "$expected" ] || [ "$passed" -lt 3 ]; then
  cat "$log" >&2
  echo "conformance/hyper-1.10: with hyper 1.10.0 these tests must fail, and the others pass:" >&2
  echo "$expected" >&2
  exit 1
fi
# Each of them for the reason that it is about.
for reason in "shut down after 8192 bytes" "the end of the body was never sent"; do
  grep -q "$reason" "$log" || { cat "$log" >&2; echo "conformance/hyper-1.10: no test failed with \"$reason\"" >&2; exit 1; }
done
echo "conformance/hyper-1.10: with hyper 1.10.0 $(wc -l <<<"$expected") tests of delivery fail, as they must, and $passed pass"
