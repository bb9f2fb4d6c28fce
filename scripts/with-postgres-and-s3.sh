#!/usr/bin/env bash
# As scripts/with-server.sh, with rows in PostgreSQL and originals in S3: servers of its own, in a temporary directory, gone afterwards.
# Where one of them is not installed nothing is run, which is said, and with CI=true is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/.tools/bin:$PATH
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$programs" ] || programs=$(dirname "$(command -v initdb || echo .)")
for program in "$programs/initdb" "$(command -v s3s-fs || echo s3s-fs)"; do
  [ -x "$program" ] && continue
  echo "left out, since $(basename "$program") is not installed: $*" >&2
  [ "${CI:-}" != true ]
  exit
done
work=$(mktemp -d)
s3=
# PostgreSQL refuses to run as root.
as_nobody() { if [ "$(id -u)" = 0 ]; then setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; else "$@"; fi; }
end() {
  [ -z "$s3" ] || kill "$s3" 2>/dev/null || true
  as_nobody "$programs/pg_ctl" -D "$work/postgres/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap end EXIT
chmod 755 "$work"
mkdir -p "$work/postgres" "$work/s3/images"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$work/postgres"
(
  cd "$work/postgres"
  as_nobody "$programs/initdb" -D data -U calotype --auth=trust -E UTF8 --no-sync >/dev/null
  as_nobody "$programs/pg_ctl" -D data -w -l log -o "-c listen_addresses= -c unix_socket_directories=$work/postgres -c fsync=off" start >/dev/null
  as_nobody "$programs/createdb" -h "$work/postgres" -U calotype calotype
)
export AWS_ACCESS_KEY_ID=calotype-test AWS_SECRET_ACCESS_KEY=calotype-test-secret AWS_ALLOW_HTTP=true
RUST_LOG=s3s_fs=info NO_COLOR=1 s3s-fs --host 127.0.0.1 --port 0 --access-key "$AWS_ACCESS_KEY_ID" --secret-key "$AWS_SECRET_ACCESS_KEY" \
  "$work/s3" > "$work/s3.log" 2>&1 &
s3=$!
for _ in $(seq 100); do
  AWS_ENDPOINT_URL=$(sed -n 's/.*running at \(http:[^ ]*\).*/\1/p' "$work/s3.log")
  [ -n "$AWS_ENDPOINT_URL" ] && break
  kill -0 "$s3" 2>/dev/null || { cat "$work/s3.log" >&2; exit 1; }
  sleep 0.1
done
export AWS_ENDPOINT_URL
SERVER_ARGS="--database postgres://calotype@localhost/calotype?host=$work/postgres --blobs s3://images/originals ${SERVER_ARGS:-}" \
  scripts/with-server.sh "$@"
