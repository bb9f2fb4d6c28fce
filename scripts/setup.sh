#!/usr/bin/env bash
# Installs what building and testing need and is not there yet. Safe to run again; quick when nothing is missing.
#
#   scripts/setup.sh build    compilers, Node, the WebAssembly target
#   scripts/setup.sh test     that, and what tests compare with: Pillow, Chromium, the Workers runtime, foreign image tools, an S3 server, cargo-deny
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-build}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    echo "setup: '$*' needs root, and there is no sudo; run it as root once" >&2
    exit 1
  fi
}

# Debian packages: name them by the program each brings.
missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need cc build-essential
need nasm nasm
need cmake cmake
need pkg-config pkg-config
need curl curl
command -v node >/dev/null 2>&1 || missing+=(nodejs npm)
if [ "$what" = test ]; then
  # Ubuntu has Chromium as a snap alone; any browser of the family will do.
  command -v chromium >/dev/null || command -v google-chrome >/dev/null || command -v chromium-browser >/dev/null || missing+=(chromium)
  need dwebp webp
  need avifdec libavif-bin
  # HEIC pixels. A library, so the loader is asked.
  python3 -c 'import ctypes; ctypes.CDLL("libheif.so.1")' 2>/dev/null || missing+=(libheif1)
  # The server alone: the tests start one of their own.
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need initdb postgresql
  python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3 python3-venv)
fi
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "setup: please install: ${missing[*]} (this script knows Debian and Ubuntu)" >&2
    exit 1
  fi
  as_root apt-get update -qq
  # Newer releases have the decoder of HEVC in a package of its own.
  if [[ " ${missing[*]} " == *" libheif1 "* ]] && apt-cache show libheif-plugin-libde265 >/dev/null 2>&1; then
    missing+=(libheif-plugin-libde265)
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if ! command -v cargo >/dev/null; then
  echo "setup: Rust is missing; install it from https://rustup.rs and open a new shell" >&2
  exit 1
fi
# rust-toolchain.toml names toolchain and targets; rustup installs what is not there.
rustup target list --installed | grep -qx wasm32-unknown-unknown || rustup target add wasm32-unknown-unknown

# The front end needs Node 20.19 or newer, and wrangler, for tests, 22.12; distributions may bring less.
if [ "$what" = test ]; then node_least=22.12; else node_least=20.19; fi
node_is_new() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number), [c, d] = process.argv[1].split(".").map(Number);
    process.exit(a > c || (a === c && b >= d) ? 0 : 1)' "$node_least" 2>/dev/null
}
if ! node_is_new node && ! { [ -x .tools/node_modules/.bin/node ] && node_is_new .tools/node_modules/.bin/node; }; then
  npm install --silent --no-fund --no-audit --prefix .tools node@22
fi

if [ "$what" = test ]; then
  PATH=$PWD/.tools/node_modules/.bin:$PATH scripts/workerd.sh >/dev/null
  if ! .tools/venv/bin/python -c 'import PIL, numpy' 2>/dev/null; then
    python3 -m venv .tools/venv
    .tools/venv/bin/pip install --quiet --disable-pip-version-check 'pillow==13.*' 'numpy==2.*'
  fi
  # The official SDK, as a client of the management API.
  if ! .tools/venv/bin/python -c 'import cloudflare' 2>/dev/null; then
    .tools/venv/bin/pip install --quiet --disable-pip-version-check 'cloudflare==5.9.*'
  fi
  # What holds the API against its description.
  if ! .tools/venv/bin/python -c 'import openapi_spec_validator, schemathesis' 2>/dev/null; then
    .tools/venv/bin/pip install --quiet --disable-pip-version-check 'schemathesis==4.*' 'openapi-spec-validator==0.9.*'
  fi
  if ! .tools/bin/cargo-deny --version 2>/dev/null | grep -q '0\.20\.2'; then
    cargo install --quiet --debug --locked --root .tools --target-dir target/tools cargo-deny@0.20.2
  fi
  # An S3 server over a directory. What its build leaves is removed: nobody needs it twice.
  if ! .tools/bin/s3s-fs --version 2>/dev/null | grep -q '0\.14\.1'; then
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --debug --locked --root .tools --target-dir target/tools-s3 s3s-fs@0.14.1 --features binary
    rm -rf target/tools-s3
  fi
fi

# The packages of every workspace: the Workers runtime in five versions among them, as its tools bring them.
if [ "$what" = test ] && ! { [ -d js/workers/node_modules/wrangler ] && [ node_modules -nt package-lock.json ]; }; then
  PATH=$PWD/.tools/node_modules/.bin:$PATH npm ci --silent --no-fund --no-audit
fi
