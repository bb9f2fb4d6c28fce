#!/usr/bin/env bash
# Measures how animations are encoded, against sharp and gifsicle, and writes bench/report/animation.{json,md}.
#
#   bench/animation/run.sh                       3 rounds
#   bench/animation/run.sh --rounds 1            a quick look
#
# Photographs: JPEGs with at least 1440 pixels on the shorter side below $BENCH_PHOTOS, or below $CALOTYPE_SHARED/corpus/photo; three are enough.
# CALOTYPE_PROFILE=dev measures the build that tests use, instead of a release build. It needs gifsicle, Node and Python 3 with `venv`.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${CALOTYPE_PROFILE:-release}" = release ]; then
  cargo build --release --locked --quiet --package calotype-codec --example animate
  export CALOTYPE_ANIMATE=target/release/examples/animate CALOTYPE_PROFILE='release build'
else
  cargo build --locked --quiet --package calotype-codec --example animate
  export CALOTYPE_ANIMATE=target/debug/examples/animate CALOTYPE_PROFILE='development build: optimised, with debug assertions and overflow checks'
fi
command -v gifsicle >/dev/null || { echo 'bench: gifsicle is not installed' >&2; exit 2; }
node_modules=bench/node_modules
[ -d $node_modules/sharp ] && [ $node_modules -nt bench/package-lock.json ] || { npm ci --prefix bench --silent --no-fund --no-audit; touch $node_modules; }
python=bench/.venv/bin/python
if ! $python -c 'import PIL, numpy' 2>/dev/null; then
  python3 -m venv bench/.venv
  bench/.venv/bin/pip install --quiet --disable-pip-version-check --requirement bench/requirements.txt
fi
photographs=${BENCH_PHOTOS:-${CALOTYPE_SHARED:?set BENCH_PHOTOS to a folder with at least three photographs}/corpus/photo}
gifs=()
for gif in libvips/cogs.gif sharp/rotating-squares.gif; do
  [ -z "${CALOTYPE_SHARED:-}" ] || gifs+=("$CALOTYPE_SHARED/corpus/gif/$gif")
done
exec $python bench/animation/main.py --photographs "$photographs" "$@" "${gifs[@]}"
