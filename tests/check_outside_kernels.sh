#!/usr/bin/env bash
# Kernels from outside beside tern's, on the emulator: a right one, which docs/benchmarks.md shows as it is, and wrong ones.
#   check_outside_kernels.sh COUNT_ONLINE_SOFTMAX COUNT_WRONG_SOFTMAX
set -euo pipefail
right=$1
wrong=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# count WANTED_CODE PROGRAM ARGUMENT...: what it prints lies in out and err then.
count() {
  local wanted=$1 code=0
  shift
  "$@" >"$folder/out" 2>"$folder/err" || code=$?
  [ $code -eq "$wanted" ] && return
  echo "$*: wanted exit code $wanted, got $code and"
  cat "$folder/out" "$folder/err"
  exit 1
}
# lines FILE PATTERN NUMBER: so many lines have the extended regular expression.
lines() {
  local got
  got=$(grep -cE "$2" "$folder/$1" || true)
  [ "$got" -eq "$3" ] && return
  echo "wanted $3 lines with '$2', got $got in"
  cat "$folder/$1"
  exit 1
}

cd "$(dirname "$0")/.."
awk '/^```$/ { shown = 0 } shown; /^`examples\/benchmarks/ { next_block = 1 } /^```cpp$/ && next_block { shown = 1; next_block = 0 }' \
  docs/benchmarks.md >"$folder/shown.cu"
diff -u "$folder/shown.cu" examples/benchmarks/online_softmax.cu ||
  { echo "docs/benchmarks.md: wanted examples/benchmarks/online_softmax.cu as it is"; exit 1; }

count 0 "$right" --list
lines out '^softmax	tern$' 1
lines out '^softmax	online_softmax$' 1

# 7 small shapes and two types; of tern's rows those that have a counterpart.
count 0 "$right" softmax --small --side-by-side --json "$folder/right.json"
lines out '^\| softmax_forward \|' 14
lines out '^\| softmax_forward of online_softmax \|' 14
lines out '^\| (softmax_backward|log_softmax)' 0
lines out 'WRONG|FAILED' 0
# Tern's row of 1024 f32 is read once, this one twice: of the ideal 100 % and 150 %.
lines out '^\| softmax_forward \| 64x1024 \| float32 \| 1 \| 524.3 \| 100.0 % \| 100.0 % \|' 1
lines out '^\| softmax_forward of online_softmax \| 64x1024 \| float32 \| 1 \| 524.3 \| 100.0 % \| 150.0 % \|' 1
grep -A1 '^| softmax_forward | 64x1024 | float32' "$folder/out" >"$folder/pair"
lines pair 'online_softmax' 1  # side by side

count 1 "$wrong" softmax --small --side-by-side
lines out '^\| softmax_forward of warm \| .* WRONG \|' 1
lines out '^\| softmax_forward of only_once \| .*e-0[0-9], run again (inf|nan) WRONG \|' 1
lines out '^FAILED: softmax_forward of past_the_end 64x88 float32: .*wrong_softmax.cu:[0-9]+: kernel softmax, .* x\[' 1
lines out '^FAILED: softmax_forward of into_zeros 64x88 float32: .*wrong_softmax.cu:[0-9]+: kernel add_softmax, .*y\[' 1
lines out '^FAILED: softmax_forward of too_many_threads 64x88 float32: .*1024 threads' 1
lines out '^\| softmax_forward \| 64x88 \| float32 \|' 1  # tern's goes on
lines err '^5 rows failed or differ' 1
