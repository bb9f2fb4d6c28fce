#!/usr/bin/env bash
# Draws every option of the transform vocabulary on one labelled sheet, as a running server answers it.
#
#   scripts/contact-sheet.sh                                       the sample pictures -> docs/images/contact-sheet.jpg
#   scripts/contact-sheet.sh --picture photo.jpg -o sheet.png      a picture of yours (its overlays and trims still use the samples)
#
# The samples come from `cargo xtask samples`; the sheet itself is put together by scripts/contact_sheet.py with Pillow (make test installs it).
set -euo pipefail
cd "$(dirname "$0")/.."
samples=js/playground/public/samples
picture=$samples/lake.jpg
out=docs/images/contact-sheet.jpg
while [ $# -gt 0 ]; do
  case $1 in
    --picture) picture=${2:?--picture needs a file}; shift 2 ;;
    -o) out=${2:?-o needs a file}; shift 2 ;;
    *) echo "contact-sheet: unknown argument $1; see the head of scripts/contact-sheet.sh" >&2; exit 2 ;;
  esac
done
[ -f "$samples/knot.png" ] || cargo xtask samples

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cp -- "$picture" "$root/picture"
cp -- "$samples/knot.png" "$samples/poster.png" "$root/"
mkdir -p "$(dirname "$out")"
SERVER_ARGS="--root $root --allow-private" scripts/with-server.sh \
  "${CALOTYPE_PYTHON:-.tools/venv/bin/python}" scripts/contact_sheet.py --title "$(basename "$picture")" -o "$root/sheet.png"
if [[ $out == *.png ]]; then
  cp "$root/sheet.png" "$out"
else
  # The quality is what keeps the sheet of the samples below 600 kB, small enough for a repository.
  target/debug/calotype transform "$root/sheet.png" q=45 -o "$out"
fi
echo "$out: $(stat -c %s "$out") bytes"
