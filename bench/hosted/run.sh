#!/usr/bin/env bash
# Lists over a million images: imports them, starts the server, asks over HTTP, prints tables. bench/hosted/run.sh [IMAGES] [RUNS]
#
# CALOTYPE names the program [target/release/calotype]; WORK the directory for the store, about 1.5 GB [a temporary one, which is removed].
set -euo pipefail
cd "$(dirname "$0")/../.."
images=${1:-1000000} runs=${2:-50}
calotype=${CALOTYPE:-target/release/calotype}
if [ -z "${WORK:-}" ]; then
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
fi
data="$WORK/data" log="$WORK/access.log"

if [ ! -e "$data/calotype.db" ]; then
    echo "importing $images images" >&2
    time python3 bench/hosted/lines.py "$images" "$WORK/lines" | "$calotype" store import - --originals "$WORK/lines" --data "$data"
fi
account=$("$calotype" account list --data "$data" | cut -d' ' -f1)
token=$("$calotype" token create bench --read --data "$data")

measure() {
    : >"$log"
    rm -f "$WORK/stop"
    mkfifo "$WORK/stop"
    "$calotype" serve --data "$data" --listen 127.0.0.1:0 --stop-with-stdin --set log_format=json <"$WORK/stop" >"$WORK/said" 2>>"$log" &
    local server=$!
    exec 3>"$WORK/stop"
    until grep -q "  hosted " "$WORK/said"; do
        kill -0 "$server"
        sleep 0.1
    done
    local url
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$WORK/said" | head -1)
    python3 bench/hosted/measure.py "$url" "$account" "$token" "$log" "$server" "$runs" "$@"
    exec 3>&-
    wait "$server" || true
    rm "$WORK/stop"
}

echo "| request | images | KiB | service ms, median | 95 % | processor ms | client ms, median |"
echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
measure
# With as many variants as an account may have, every image brings a hundred URLs.
have=$("$calotype" variant list --data "$data" | wc -l)
for n in $(seq "$have" 99); do
    "$calotype" variant set "v$n" width=100 --data "$data" >/dev/null
done
echo "| **100 variants** | | | | | | |"
measure few
for n in $(seq "$have" 99); do
    "$calotype" variant delete "v$n" --data "$data"
done
