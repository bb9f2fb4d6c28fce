#!/usr/bin/env bash
# Every fuzz target for some seconds, with the seeds of fuzz/seeds.sh; a line each at the end, and a failure if one found something.
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]    60 seconds each, all targets
#
# The sanitizers are a nightly feature; RUSTC_BOOTSTRAP lets the pinned compiler have them, so that no second one is needed.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
logs=target/test-long/fuzz
mkdir -p "$logs"
export PATH=$PWD/.tools/bin:$PATH RUSTC_BOOTSTRAP=1
# mozjpeg has two tables of one name in one file, which the address sanitizer takes for one defined twice. re_rav1d loses 48 bytes per picture.
export ASAN_OPTIONS=detect_odr_violation=0:detect_leaks=0

if ! cargo fuzz --version 2>/dev/null | grep -q '0\.13\.2'; then
  cargo install --quiet --debug --locked --root .tools --target-dir target/tools cargo-fuzz@0.13.2
fi
fuzz/seeds.sh
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo fuzz list)

failed=0
for target in "${targets[@]}"; do
  mkdir -p "fuzz/corpus/$target"
  features=()
  dictionary=()
  case $target in
    options_* | binding_form | canonical | transform_path)
      # These read text: the codecs are left out, and no C library is built for them.
      features=(--no-default-features)
      dictionary=(-dict=fuzz/dictionaries/options.dict -max_len=2000)
      ;;
    text)
      features=(--no-default-features)
      dictionary=(-max_len=65536 -rss_limit_mb=1536 -timeout=20)
      ;;
    resample)
      features=(--no-default-features)
      dictionary=(-max_len=2000 -rss_limit_mb=1536 -timeout=20)
      ;;
    hosted) dictionary=(-dict=fuzz/dictionaries/hosted.dict -max_len=8192 -rss_limit_mb=2048 -timeout=20) ;;
    *) dictionary=(-max_len=65536 -rss_limit_mb=1536 -timeout=20) ;;
  esac
  log=$logs/$target.log
  if cargo fuzz run -O "${features[@]}" "$target" -- "${dictionary[@]}" -max_total_time="$seconds" -print_final_stats=1 >"$log" 2>&1; then
    what=clean
  else
    what="FOUND SOMETHING: see $log"
    failed=1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
  printf 'fuzz: %-16s %10s runs  %s\n' "$target" "${runs:-no}" "$what"
done
exit $failed
