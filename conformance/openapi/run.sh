#!/usr/bin/env bash
# The API of a running server against its own description. scripts/with-server.sh says which server. With --long, schemathesis tries more.
set -euo pipefail
cd "$(dirname "$0")"
python=${CALOTYPE_PYTHON:-python3}
tools=$(dirname "$python")
examples=10
[ "${1:-}" != --long ] || examples=300
"$python" credentials.py
# schemathesis keeps what it finds in the folder that it runs in.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -e "s/@ACCOUNT@/$CALOTYPE_ACCOUNT/" -e "s#@HERE@#$PWD#" schemathesis.toml > "$work/schemathesis.toml"
# A batch token opens the batch API, which the API's own token does not.
batch_token=$("$python" credentials.py batch-token)
cd "$work"
curl --silent --fail --output openapi.json "$CALOTYPE_URL/client/v4/openapi.json"
# What it says is long; it is shown if something is wrong.
try() {
  "$tools/st" --no-color run openapi.json --url "$CALOTYPE_URL" --seed 7 --no-shrink --max-failures 20 \
    --max-examples "$examples" --warnings off "$@" > report 2>&1 || { cat report; exit 1; }
  grep -E 'generated' report
}
try --header "Authorization: Bearer $CALOTYPE_TOKEN" --exclude-path-regex '^/images/'
# On the batch host every path is the API's own; elsewhere only with a batch token. Without one it is 400, which
# credentials.py looks at, and another method is 404 there.
try --header "Authorization: Bearer $batch_token" --header "Host: batch.imagedelivery.net" --include-path-regex '^/images/' --exclude-checks missing_required_header,unsupported_method
