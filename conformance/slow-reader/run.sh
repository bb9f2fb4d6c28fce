#!/usr/bin/env bash
# Thousands of answers to slow readers, on the binding's socket and through the Workers runtime (README.md).
#
#   run.sh --quick    a share of it, in less than a minute; what make conformance does
#   run.sh --full     all of it, and report.md anew
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
share=${1:---quick}
share=${share#--}

if ! workerd=$("$root/scripts/workerd.sh"); then
  [ "${CI:-}" != true ] || exit 1
  echo "conformance/slow-reader: left out, since the Workers runtime cannot be installed" >&2
  exit 0
fi

CARGO_TARGET_DIR=$root/target/slow-reader cargo build --quiet --locked
slow_reader=$root/target/slow-reader/debug/slow-reader
"$slow_reader" self-test

if [ -z "${CALOTYPE_BIN:-}" ]; then
  # With the features of the whole workspace, as the tests have them: other features would be another build of everything.
  (cd "$root" && cargo build --quiet --locked --workspace --bin calotype)
  CALOTYPE_BIN=$root/target/debug/calotype
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CALOTYPE_PYTHON:-$root/.tools/venv/bin/python}" sources.py "$work/sources"
mkdir "$work/workers"
# What the nested case draws together.
"$CALOTYPE_BIN" transform "$work/sources/large.png" w=1200,f=jpeg -o "$work/workers/base.jpg"
cp "$work/sources/small-12.png" "$work/workers/overlay.png"
report=$work/report.md
[ "$share" = full ] && report=$PWD/report.md
if ! "$slow_reader" run "$share" "$CALOTYPE_BIN" "$workerd" "$PWD/workers" "$work/sources" "$work" "$report"; then
  tail -n 30 "$work"/*.log >&2
  exit 1
fi
