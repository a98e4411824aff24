#!/usr/bin/env bash
# Runs tern's fuzzers (tests/fuzz): builds them, makes seeds, runs each for some seconds, one after the other, and prints what
# each did and which share of its parser's lines it came by. Installs what is missing of Debian's packages. Fails if one finds
# something; the input is then in build-fuzz/findings/.
#   scripts/fuzz.sh [--jobs N] [SECONDS] [NAME...]      60 seconds and every fuzzer by default; NAME: pickle, safetensors, ...
#   --jobs N: so many at the same time, each with a core; 1 by default
#   0 seconds: the seeds, what was kept of former runs (build-fuzz/corpus/) and the inputs of tests/fuzz/regressions/ alone
#   TERN_FUZZ_BUILD in the environment: another folder than build-fuzz
set -euo pipefail
cd "$(dirname "$0")/.."
usage() { sed -n '2,8p' "$0" >&2; exit 2; }
seconds=60 jobs=1
if [ "${1:-}" = --jobs ]; then
  [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || usage
  jobs=$2
  shift 2
fi
if [ $# -gt 0 ]; then
  [[ $1 =~ ^[0-9]+$ ]] || usage
  seconds=$1
  shift
fi
build=$(realpath -m "${TERN_FUZZ_BUILD:-build-fuzz}")
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for source in tests/fuzz/fuzz_*.cpp; do source=${source##*/fuzz_}; names+=("${source%.cpp}"); done
fi
for name in "${names[@]}"; do
  [ -e "tests/fuzz/fuzz_$name.cpp" ] || { echo "fuzz: wanted the name of a fuzzer in tests/fuzz, got $name" >&2; exit 2; }
done

# Some have seeds that tern writes, by a program of many layers; the others do without it.
targets=("${names[@]/#/fuzz_}")
if printf '%s\n' "${names[@]}" | grep -qxE 'config|events|metrics|run_folder|scores'; then targets+=(fuzz_seeds); fi

scripts/setup.sh clang-16 libclang-rt-16-dev libomp-16-dev llvm-16
# Folders that a fuzzer fills again and again are in memory.
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" tern_fuzz_XXXXXX)
export TMPDIR OMP_NUM_THREADS=1
trap 'rm -rf "$TMPDIR"' EXIT
scripts/build.sh "$build" -DTERN_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++-16 -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DTERN_CUDA=OFF -DTERN_NATIVE=OFF -- "${targets[@]}" >"$TMPDIR/build.log" 2>&1 ||
  { cat "$TMPDIR/build.log" >&2; exit 1; }
programs=$build/tests/fuzz seeds=$build/seeds
export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=16 UBSAN_OPTIONS=print_stacktrace=1
python3 -B tests/fuzz/make_seeds.py "$seeds"
case ${targets[-1]} in fuzz_seeds) LLVM_PROFILE_FILE=$TMPDIR/seeds.profraw "$programs/fuzz_seeds" "$seeds" ;; esac

# coverage NAME: percent of the lines of its parser. A parser is a list of files, or FILE:FUNCTION.
coverage() {
  local parser file
  llvm-profdata-16 merge -o "$TMPDIR/$1.profdata" "$TMPDIR/$1".*.profraw
  mapfile -t parser < <(sed -n 's/^\/\/ Parser: //p' "tests/fuzz/fuzz_$1.cpp" | tr ' ' '\n')
  for file in "${parser[@]}"; do
    llvm-cov-16 export -format=text -instr-profile "$TMPDIR/$1.profdata" "$programs/fuzz_$1" "$PWD/${file%:*}"
  done 2>/dev/null | python3 -B tests/fuzz/count_lines.py "${parser[@]}"
}

# run NAME: what libFuzzer says is in NAME.log. Its exit code.
run() {
  local corpus=$build/corpus/$1 dictionary from=() options=()
  dictionary=$(sed -n 's/^\/\/ Dictionary: //p' "tests/fuzz/fuzz_$1.cpp")
  dictionary=tests/fuzz/dictionaries/${dictionary:-$1}.dict
  mkdir -p "$corpus" "$build/findings"
  for folder in "$seeds/$1" "tests/fuzz/regressions/$1"; do [ ! -d "$folder" ] || from+=("$folder"); done
  [ ! -e "$dictionary" ] || options+=("-dict=$dictionary")
  if [ "$seconds" = 0 ]; then options+=(-runs=0); else options+=("-max_total_time=$seconds"); fi
  # What a parser prints (notes for people) is of no interest here.
  LLVM_PROFILE_FILE="$TMPDIR/$1.%p.profraw" "$programs/fuzz_$1" "$corpus" "${from[@]}" "${options[@]}" -close_fd_mask=1 \
    -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=512 -max_len=65536 -print_final_stats=1 -use_value_profile=1 \
    -artifact_prefix="$build/findings/$1-" 2>&1 | grep -v '^\[libprotobuf' >"$build/$1.log"
}

for name in "${names[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
  { code=0; run "$name" || code=$?; echo $code >"$TMPDIR/$name.code"; } &
done
wait

printf '%-18s %12s %10s %8s %10s  %s\n' fuzzer executions per_second corpus lines_% findings
status=0
for name in "${names[@]}"; do
  code=$(cat "$TMPDIR/$name.code") finding=none lines=-  # of a program that ends early no lines are known
  if [ "$code" -ne 0 ]; then
    status=1
    finding=$(grep -oE '(ERROR: [A-Za-z]+: .*|SUMMARY: .*|runtime error: .*|fuzzer: wanted .*)' "$build/$name.log" | head -n 1)
    finding="${finding:-exit code $code} (see $build/$name.log)"
  else
    lines=$(coverage "$name")
  fi
  stat() { grep -oE "stat::$1: *[0-9]+" "$build/$name.log" | grep -oE '[0-9]+$' || echo -; }
  printf '%-18s %12s %10s %8s %10s  %s\n' "$name" "$(stat number_of_executed_units)" "$(stat average_exec_per_sec)" \
    "$(find "$build/corpus/$name" -type f | wc -l)" "$lines" "$finding"
done
exit $status
