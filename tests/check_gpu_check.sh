#!/usr/bin/env bash
# scripts/gpu_check.sh where GPU, toolkit, build and tests are stand-ins: what it says of passes, failures and steps
# that hang.
set -euo pipefail
command -v python3 >/dev/null || { echo "skipped: no python3, which writes gpu_check's report"; exit 77; }
source=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/bin" "$folder/benchmarks" "$folder/kernels"
touch "$folder"/kernels/{a,b,untested}.cu
cp -r "$source/scripts" "$folder"
cp "$source/benchmarks/gpu_report.py" "$folder/benchmarks"

stand_in() { printf '#!/bin/bash\n%s\n' "$2" >"$folder/$1" && chmod +x "$folder/$1"; }
# shellcheck disable=SC2016
{
  stand_in bin/nvidia-smi 'case "$*" in *name*) echo "NVIDIA Stand-in";; *) echo "CUDA Version: ${DRIVER:-13.0}";; esac'
  stand_in bin/nvcc 'echo "release 13.0, V13.0.88"'
  stand_in bin/cmake '[ "$1" = --build ] && mkdir -p build-gpu/tests && cp program build-gpu/tern &&
                      for stem in a b of_no_kernel; do cp program build-gpu/tests/test_$stem; done; true'
  stand_in bin/ctest 'echo "1/2 Test #1: test_a ......   Passed    0.50 sec"
                      [ "${CTEST:-}" = hang ] && sleep 100
                      echo "2/2 Test #2: test_b ......***${CTEST:-Skipped}   0.01 sec"
                      echo "device: $TERN_REQUIRE_CUDA"
                      [ -z "${CTEST:-}" ]'
  stand_in bin/compute-sanitizer 'echo "sanitized $*"; [[ ! "$*" =~ ${SANITIZER:-nothing} ]]'
  stand_in program 'echo "tern $1"'
}

# check CODE [NAME=VALUE...] -- [OPTION...] -- PATTERN...: the exit code with these in the environment, and extended
# regular expressions that the report has.
check() {
  local code=0 wanted=$1 environment=() options=()
  shift
  while [ "$1" != -- ]; do environment+=("$1") && shift; done && shift
  while [ "$1" != -- ]; do options+=("$1") && shift; done && shift
  rm -rf "$folder/report"
  env PATH="$folder/bin:$PATH" "${environment[@]}" "$folder/scripts/gpu_check.sh" --quick --results "$folder/report" \
    "${options[@]}" >"$folder/output" 2>&1 || code=$?
  for pattern in "$@"; do
    grep -qE "$pattern" "$folder"/report/nvidia-stand-in-*.md && [ $code -eq "$wanted" ] && continue
    echo "gpu_check with '${environment[*]}': wanted exit code $wanted and '$pattern', got $code and"
    cat "$folder/output" "$folder"/report/*.md
    exit 1
  done
}

check 0 TERN_COMMIT=abc -- -- '^# NVIDIA Stand-in, .*: passed$' '^1 passed, 1 skipped$' '^- commit: abc$'
check 1 CTEST=Failed -- -- '^\| test_b \| failed' '^device: 1$' '^\| demo \| passed'
check 1 CTEST=hang -- --seconds 30 -- '^\| tests \| timed out' '^\| test_a \| passed'
check 1 SANITIZER='racecheck.*test_b' -- -- '^\| memcheck \| passed' '^\| test_b \| failed' \
  '^sanitized --tool racecheck .*test_b -tc=\*kernel\*$'
if grep -q of_no_kernel "$folder"/report/*.md; then echo "gpu_check: wanted kernels alone sanitized"; exit 1; fi
check 1 DRIVER=12.2 -- -- '^wanted a driver for CUDA 13, got one for CUDA 12.2' '^\| build \| not run'
