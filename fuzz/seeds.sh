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
for font in ../crates/calotype-text/font/*.woff2; do
  [ -e "$font" ] || continue
  { printf 'Affinity \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627\0'; cat "$font"; } | add text
done
for target in binding_form hosted; do
  for file in "seeds/$target"/*; do add "$target" < "$file"; done
done

if [ -z "${CALOTYPE_SHARED:-}" ]; then
  echo "seeds: no pictures, for CALOTYPE_SHARED is not set" >&2
  exit 0
fi
python3 pictures.py "$CALOTYPE_SHARED/corpus" corpus "$bytes_max"
