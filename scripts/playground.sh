#!/usr/bin/env bash
# Builds the playground into js/playground/dist and the API reference into js/reference/dist, where the calotype-http build embeds them, and fetches the
# built-in font. Does nothing when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
# The page's own packages and the fonts alone; what tests need besides comes with scripts/setup.sh test.
[ -d node_modules/.bin ] && [ node_modules -nt package-lock.json ] || npm ci --silent --no-fund --no-audit --workspace js/playground --workspace js/reference --include-workspace-root
scripts/fonts.sh
stamp=js/reference/dist/.built-from
now=$(cat package-lock.json $(git ls-files js/reference | sort) 2>/dev/null | sha256sum)
if ! { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; }; then
  npm run --silent --workspace js/reference build
  printf '%s\n' "$now" > "$stamp"
fi
stamp=js/playground/dist/.built-from
now=$(cat rust-toolchain.toml package-lock.json $(git ls-files js/plan js/playground crates/calotype-plan crates/calotype-samples xtask | sort) 2>/dev/null | sha256sum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then exit 0; fi
cargo xtask wasm
[ -f js/playground/public/samples.json ] && [ -z "$(find crates/calotype-samples xtask/src/samples.rs -newer js/playground/public/samples.json -print -quit)" ] || cargo xtask samples
npm run --silent --workspace js/playground build
printf '%s\n' "$now" > "$stamp"
