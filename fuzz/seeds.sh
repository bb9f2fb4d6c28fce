#!/usr/bin/env bash
# Fills fuzz/corpus with first inputs: the lines and files of fuzz/seeds, and, where CALOTYPE_SHARED is set, the pictures of $CALOTYPE_SHARED/corpus.
# Safe to run again: files are named by their content.
set -euo pipefail
cd "$(dirname "$0")"
bytes_max=${BYTES_MAX:-65536} # larger files only slow the fuzzer down

add() { # add TARGET < input
  mkdir -p "corpus/$1"
  local new
  new=$(mktemp "corpus/$1/.new.XXXXXX")
  cat > "$new"
  mv "$new" "corpus/$1/$(sha256sum < "$new" | cut -c1-24)"
}

for list in seeds/*.txt; do
  target=$(basename "$list" .txt)
  while IFS= read -r line; do printf %s "$line" | add "$target"; done < "$list"
done
for file in seeds/binding_form/*; do add binding_form < "$file"; done

if [ -z "${CALOTYPE_SHARED:-}" ]; then
  echo "seeds: no pictures, for CALOTYPE_SHARED is not set" >&2
  exit 0
fi
mapfile -t options < seeds/options_url.txt
count=0
while IFS= read -r file; do
  case $(head -c 12 "$file" | LC_ALL=C tr -c '[:print:]' .) in
    ....JFIF* | ......JFIF* | ......Exif*) target=decode_jpeg ;;
    .PNG*) target=decode_png ;;
    GIF8*) target=decode_gif ;;
    \<svg* | \<?xml*) target=svg ;;
    RIFF????WEBP*) target=decode_webp ;;
    ????ftypavi*) target=decode_avif ;;
    BM*) target=decode_bmp ;;
    'II*.'* | 'II+.'* | 'MM.*'* | 'MM.+'*) target=decode_tiff ;;
    ????ftyphei* | ????ftypmif*) target=decode_heic ;;
    ????JXL*) target=decode_jxl ;;
    *)
      case $(head -c 4 "$file" | od -An -tx1 | tr -d ' ') in
        ffd8*) target=decode_jpeg ;;
        ff0a*) target=decode_jxl ;;
        00000100 | 00000200) target=decode_ico ;;
        *) target= ;;
      esac
      ;;
  esac
  add sniff_probe < "$file"
  [ -n "$target" ] || continue
  add "$target" < "$file"
  [ "$target" = decode_jpeg ] || add decode_animation < "$file"
  { printf '%s\n' "${options[count % ${#options[@]}]}"; cat "$file"; } | add transform
  count=$((count + 1))
done < <(find "$CALOTYPE_SHARED/corpus" -type f -size "-$((bytes_max / 1024 + 1))k" ! -name '*.json' ! -name '*.md' | LC_ALL=C sort)
echo "seeds: $count pictures"
