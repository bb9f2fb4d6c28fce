#!/usr/bin/env bash
# Runs a command against a server of its own: CALOTYPE_URL is its address, CALOTYPE_ACCOUNT and CALOTYPE_TOKEN open its API. The server gets a free port and a temporary data directory.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
# With the features of the whole workspace, as the tests have them: other features would be another build of everything.
cargo build --quiet --locked --workspace --bin calotype
: > "$work/out" # there before anybody looks
target/debug/calotype serve --listen 127.0.0.1:0 --data "$work/data" --set log=warn ${SERVER_ARGS:-} > "$work/out" 2> "$work/log" &
server=$!
for _ in $(seq 100); do
  address=$(sed -n 's/.*listening on \(http:[^ ]*\).*/\1/p' "$work/out")
  [ -n "$address" ] && break
  kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
[ -n "$address" ] || { echo "with-server: the server did not start" >&2; cat "$work/log" >&2; exit 1; }
CALOTYPE_ACCOUNT=$(grep -om1 'accounts/[0-9a-f]*' "$work/out" | cut -d/ -f2)
CALOTYPE_TOKEN=$(grep -om1 'ctk_[A-Za-z0-9_-]*' "$work/out" | head -1)
export CALOTYPE_ACCOUNT CALOTYPE_TOKEN
status=0
CALOTYPE_URL=$address "$@" || status=$?
[ "$status" = 0 ] || { echo "with-server: the server's log:" >&2; tail -50 "$work/log" >&2; }
exit "$status"
