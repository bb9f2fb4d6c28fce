#!/usr/bin/env bash
# Measures what a binding call costs beside the pixels, and writes bench/report/binding.md.
#
#   bench/binding.sh                  101 rounds
#   bench/binding.sh --rounds 11      a quick look
#
# The image: the JPEG nearest to 2 MiB below $BENCH_PHOTOS, or below $CALOTYPE_SHARED/corpus/photo. BINDING_BIN names the example `binding` if it is built
# already; WORKERD names the runtime's program, else the one of scripts/workerd.sh is used.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/prepare.sh
prepare_photographs
rounds=101
[ "${1:-}" = --rounds ] && rounds=$2
if [ -z "${BINDING_BIN:-}" ]; then
  cargo build --release --locked --quiet --package calotype-http --example binding
  BINDING_BIN=${CARGO_TARGET_DIR:-target}/release/examples/binding
fi
workerd=${WORKERD:-$(scripts/workerd.sh)}
image=$(find "$BENCH_PHOTOS" -iname '*.jpg' -printf '%s %p\n' | awk '{ d = $1 - 2097152; if (d < 0) d = -d; $1 = d; print }' | sort -n | head -1 | cut -d' ' -f2-)
report=bench/report/binding.md
{
  cat <<TEXT
# What a binding call costs beside the pixels

Made by \`bench/binding.sh\` on $(nproc) cores of $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), load $(cut -d' ' -f1 /proc/loadavg). A JPEG of $(stat -c %s "$image") bytes; $rounds
rounds, medians. In each round the same transform is made three times, one after the other: by the engine alone (the worker's queue, no HTTP), through the socket
in a form with chunks of 8 KiB as the runtime sends it, and through $($workerd --version) with the image as the body of a user's request. All answers are
compared byte by byte. A share is the median of the differences within the rounds, in percent of the engine alone. CPU
time is that of the process, in which the client that sends and reads is too; it is what to look at where other work disturbs. ${BINDING_NOTE:-}

TEXT
  "$BINDING_BIN" "$image" "$rounds" "$workerd" bench/binding
} > "$report.new"
mv "$report.new" "$report"
cat "$report"
