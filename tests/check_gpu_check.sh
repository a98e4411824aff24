#!/usr/bin/env bash
# scripts/gpu_check.sh where GPU, toolkit, build and programs are stand-ins: what both calls say of passes, of failures of
# every kind, and of steps that hang or find no time; and the same with programs of a bundle, without a GPU.
set -euo pipefail
command -v python3 >/dev/null || { echo "skipped: no python3, which writes gpu_check's report"; exit 77; }
source=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/bin" "$folder/benchmarks" "$folder/programs/tests"
cp -r "$source/scripts" "$folder"
cp "$source"/benchmarks/{gpu_report,kernel_times}.py "$folder/benchmarks"

stand_in() { printf '#!/bin/bash\n%s\n' "$2" >"$folder/$1" && chmod +x "$folder/$1"; }
# shellcheck disable=SC2016
{
  stand_in bin/nvidia-smi 'case "$*" in *name*) echo "NVIDIA Stand-in";; *) echo "CUDA Version: ${DRIVER:-13.0}";; esac'
  stand_in bin/nvcc 'echo "release 13.0, V13.0.88"'
  stand_in bin/cmake '[ "$1" = --build ] && cp -r programs/. build-gpu; true'
  # The test that FAIL matches fails, under a sanitizer, too; initcheck alone does not mind.
  stand_in programs/tests/gpu_tests 'echo "tests $* required: ${TERN_REQUIRE_CUDA:-no}"
    [[ "$*" =~ ${HANG:-nothing} ]] && exec sleep 100
    [[ "$*" =~ test_cuda ]] && printf "cuda:0, a device, cuDNN 9\nTF32 misses its tolerance by truncation: a line\n"
    [[ "$*" =~ ${EMPTY:-nothing} ]] && echo "[doctest] test cases:  0 | 0 passed"
    [[ "$*" =~ ${SKIP:-nothing} ]] && exit 77
    [[ ! "$*" =~ ${FAIL:-nothing} ]]'
  stand_in bin/compute-sanitizer '[ "$1" != --version ] || { echo "Version 2025.3.1.0"; exit; }
    echo "sanitized $*"; [[ "$* ${TERN_LEAVE_UNWRITTEN:-0}" =~ ${FIND:-nothing}|initcheck.*0$ ]] && { echo "ERROR SUMMARY: 1 error"; exit 1; }
    echo "ERROR SUMMARY: 0 errors"; while [[ "$1" != */* ]]; do shift; done; "$@"'
  stand_in bin/ncu 'while [ "$1" != --log-file ]; do shift; done
    printf "\"ID\",\"Kernel Name\",\"gpu__time_duration.sum\"\n\"\",\"\",\"ns\"\n" >"$2"
    for i in 1 2; do printf "\"0\",\"void conv(int)\",\"3000\"\n\"1\",\"adam(int)\",\"1000\"\n" >>"$2"; done'
  stand_in programs/tern 'echo "tern $*"; [ "$1" != train ] || [ -z "${FALLS_BACK:-}" ] ||
    echo "tern: the training step could not be recorded and runs call by call" >&2'
  stand_in programs/bench_step 'echo "bench_step $*"'
  # As if the tests had eight seconds, where one hangs: time enough to begin on a busy machine, too. The sanitizers, which run it
  # as well, have one.
  stand_in bin/timeout '[[ -n "${HANG:-}" && "$*" == *"; tests" ]] && set -- "$1" 8 "${@:3}"
    [[ -n "${HANG:-}" && "$*" == *"check" ]] && set -- "$1" 1 "${@:3}"
    exec /usr/bin/timeout "$@"'
}
printf 'engine cuda_backend\nkernel a\nkernel b\n' >"$folder/programs/tests/gpu_tests.txt"
for name in step kernels; do
  cat >"$folder/benchmarks/compare_$name.py" <<'STAND_IN'
import json, sys
print("measured by", sys.argv[0])
json.dump({"left_out": [{"side": "eager", "kernel": "softmax", "why": "time is up"}]}, open(sys.argv[-1], "w"))
STAND_IN
done

fail() { echo "gpu_check $*"; cat "$folder/said"; exit 1; }

# check CODE [NAME=VALUE...] -- CALL [OPTION...] -- PATTERN...: the exit code with these in the environment, and extended
# regular expressions that the report has, or where there is none what was said.
check() {
  local code=0 wanted=$1 environment=() options=()
  shift
  while [ "$1" != -- ]; do environment+=("$1") && shift; done && shift
  while [ "$1" != -- ]; do options+=("$1") && shift; done && shift
  rm -rf "$folder/report"
  env PATH="$folder/bin:$PATH" "${environment[@]}" "$folder/scripts/gpu_check.sh" "${options[@]}" \
    --results "$folder/report" >"$folder/output" 2>&1 || code=$?
  cat "$folder/output" "$folder"/report/*.md >"$folder/said" 2>/dev/null || true
  [ $code -eq "$wanted" ] || fail "${environment[*]} ${options[*]}: wanted exit code $wanted, got $code and"
  for pattern in "$@"; do
    grep -qE "$pattern" "$folder/said" ||
      fail "${environment[*]} ${options[*]}: wanted '$pattern', got"
  done
}

check 2 -- slow -- 'gpu_check.sh right'
check 2 -- right --fast -- 'gpu_check.sh fast'
check 2 -- fast --seconds soon -- '^gpu_check: --seconds: wanted a number, got soon$'
check 1 -- right --python no-python -- '^gpu_check: --python: wanted an interpreter, got no-python$'

check 0 TERN_COMMIT=abc SKIP='test_a.cpp$' -- right -- '^# NVIDIA Stand-in, .*, is it right: passed$' \
  '^2 passed, 1 skipped$' '^4 passed$' '^- commit: abc$' '^- backend: cuda:0, a device, cuDNN 9$' '^- cuda_toolkit: 13.0.88$' \
  '^TF32 misses its tolerance by truncation: a line$' '^- compute_sanitizer: 2025.3.1.0$' \
  ': driver passed, build passed, tests passed, training passed, memcheck passed, synccheck passed, initcheck passed$'
check 1 FAIL=test_b EMPTY=test_a FALLS_BACK=1 FIND='synccheck.*test_a|memcheck.*bf16' -- right -- \
  '^\| b \| failed' '^tests .*test_b.cpp required: 1' '^wanted test cases of test_a.cpp, got none' '^1 passed, 2 failed$' \
  '^wanted every step recorded and replayed, got one that runs call by call' '^\| training \| failed' \
  '^\| step_bf16 \| failed' '^\| step_fp32 \| passed' '^sanitized .* --arch resnet18 --batch 8 ' '^sanitized --tool synccheck .*test_a.cpp -tc=\*kernel\*$' \
  '^\| synccheck \| failed' '^\| initcheck \| passed'
check 1 HANG='test_a' -- right -- '^\| tests \| timed out' '^\| a \| timed out' '^- tests: timed out$' \
  '^\| b \| passed'
check 1 DRIVER=12.2 -- fast -- '^wanted a driver for CUDA 13, got one for CUDA 12.2' '^\| build \| not run' \
  '^- kernels: not run$'

check 0 -- fast -- '^# .*, how fast is it: passed$' 'build passed, training_step passed, profile passed, kernels passed$' \
  '^### A training step .*224: 2 launches, 0.004 ms in kernels$' '^\| conv \| 1 \| 3.0 \| 75.0 \|$' \
  '^- kernels: eager softmax$' '^measured by benchmarks/compare_step.py$'
rm "$folder/bin/ncu"
check 0 -- fast -- '^\| profile \| skipped'

# A bundle, where there is no GPU.
tar -czf "$folder/programs.tar.gz" -C "$folder/programs" .
printf 'commit: def\ncuda: 13.0.88\n' >"$folder/bundle.txt"
rm -rf "$folder/build-gpu" "$folder"/bin/{nvidia-smi,cmake,nvcc}
check 0 SKIP=test_b -- right --no-gpu -- '^- commit: def$' '^2 passed, 1 skipped$' '^\| memcheck \| skipped' \
  ': driver skipped, tests passed, training passed, memcheck skipped' 'required: no$|^\| training \| passed'
command -v nvidia-smi >/dev/null || check 1 -- right -- '^gpu_check: wanted an NVIDIA GPU '
