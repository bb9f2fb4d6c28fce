#!/usr/bin/env bash
# Copies the built-in font from its npm packages to where the build of calotype-text embeds it. Does nothing when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
from=node_modules/@fontsource
to=crates/calotype-text/font
# The number is the order in which parts are asked for a character.
copy() {
  local source="$from/$2-400-normal.woff2" target="$to/$1-${2##*/}.woff2"
  cmp -s "$source" "$target" || cp "$source" "$target"
}
copy 01 noto-sans/files/noto-sans-latin
copy 02 noto-sans/files/noto-sans-latin-ext
copy 03 noto-sans/files/noto-sans-vietnamese
copy 04 noto-sans/files/noto-sans-cyrillic
copy 05 noto-sans/files/noto-sans-cyrillic-ext
copy 06 noto-sans/files/noto-sans-greek
copy 07 noto-sans/files/noto-sans-greek-ext
copy 08 noto-sans/files/noto-sans-devanagari
copy 09 noto-sans-hebrew/files/noto-sans-hebrew-hebrew
copy 10 noto-sans-arabic/files/noto-sans-arabic-arabic
copy 11 noto-sans-arabic/files/noto-sans-arabic-math
copy 12 noto-sans-arabic/files/noto-sans-arabic-symbols
# One licence for all; each package names its own authors in the first line.
{
  sed -n 1p "$from/noto-sans/LICENSE"
  sed -n 1p "$from/noto-sans-hebrew/LICENSE"
  sed -n 1p "$from/noto-sans-arabic/LICENSE"
  sed 1d "$from/noto-sans/LICENSE"
} > "$to/OFL.txt.new"
if cmp -s "$to/OFL.txt.new" "$to/OFL.txt"; then rm "$to/OFL.txt.new"; else mv "$to/OFL.txt.new" "$to/OFL.txt"; fi
