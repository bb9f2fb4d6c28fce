#!/usr/bin/env bash
# Prints the path of the Workers runtime's program, which it installs first if it is not there: the npm package, this version, below .tools.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.20261117.1
package=$PWD/.tools/workerd/node_modules/workerd
if ! grep -qs "\"version\": \"$version\"" "$package/package.json"; then
  npm install --silent --no-fund --no-audit --prefix .tools/workerd "workerd@$version" >&2
fi
node -p 'require(process.argv[1]).default' "$package"
