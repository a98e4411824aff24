#!/usr/bin/env bash
# Proves tern on this machine's GPU in under nine minutes: builds for it, runs the whole test suite on it, runs
# compute-sanitizer on every kernel, trains the demonstration, measures the kernels and the training step (beside PyTorch
# where a python3 has it with CUDA), and writes benchmarks/results/<gpu>-<date>.md and .json. Fails if anything failed.
#   scripts/gpu_check.sh [--python PYTHON] [--quick]
#     --python PYTHON   an interpreter with torch for the peers; python3 by default
#     --quick           no benchmarks
set -uo pipefail
cd "$(dirname "$0")/.."

python=python3
quick=
while [ $# -gt 0 ]; do
  case "$1" in
    --python) python=${2:?--python: wanted an interpreter}; shift 2 ;;
    --quick) quick=1; shift ;;
    *) sed -n '2,7p' "$0" >&2; exit 2 ;;
  esac
done

gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
if [ -z "$gpu" ]; then
  echo "gpu_check: wanted an NVIDIA GPU (nvidia-smi names none)" >&2
  exit 1
fi
sanitizer=$(command -v compute-sanitizer || echo /usr/local/cuda/bin/compute-sanitizer)
build=build-gpu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
declare -A status seconds
order=()

# step NAME COMMAND...: runs it into a log, remembers how it ended and how long it took.
step() {
  local name=$1 start=$SECONDS
  shift
  order+=("$name")
  printf '== %s\n' "$name"
  if "$@" >"$work/$name.log" 2>&1; then
    status[$name]=passed
  else
    status[$name]=failed
    tail -n 40 "$work/$name.log"
  fi
  seconds[$name]=$((SECONDS - start))
  printf '   %s in %s s\n' "${status[$name]}" "${seconds[$name]}"
}

sanitize() {  # TOOL: over every kernel's test, at the shapes of the tests
  [ -x "$sanitizer" ] || { echo "wanted compute-sanitizer of the CUDA toolkit, found none"; return 1; }
  local program failed=0
  for program in "$build"/tests/cuda_*; do
    "$sanitizer" --tool "$1" --error-exitcode 1 --kernel-name-exclude kernel_substring=cudnn "$program" ||
      { echo "$1: $program failed"; failed=1; }
  done
  return $failed
}

demo() {
  "$build/tern" demo-data --out "$work/data" &&
    "$build/tern" train --config apps/configs/demo.toml --device cuda --data "$work/data" --out "$work/run" &&
    "$build/tern" evaluate --run "$work/run" --device cuda &&
    "$build/tern" predict --run "$work/run" --device cuda --images "$work/data/test_images" \
      --labels "$work/data/test_labels.csv" --out "$work/predictions.csv"
}

step setup scripts/setup.sh
step build scripts/build.sh "$build" -DTERN_CUDA=ON -DTERN_WERROR=ON
if [ "${status[build]}" = passed ]; then
  step tests ctest --test-dir "$build" --output-on-failure --output-junit "$work/tests.xml"
  step memcheck sanitize memcheck
  step racecheck sanitize racecheck
  step demo demo
  if [ -z "$quick" ]; then
    step kernels "$python" benchmarks/compare_kernels.py --build "$build" --python "$python" --json "$work/kernels.json"
    step training_step "$python" benchmarks/compare_step.py --build "$build" --python "$python" --device cuda \
      --json "$work/step.json"
  fi
fi

for name in "${order[@]}"; do printf '%s\t%s\t%s\n' "$name" "${status[$name]}" "${seconds[$name]}"; done >"$work/steps.tsv"
python3 benchmarks/gpu_report.py --gpu "$gpu" --work "$work" --results benchmarks/results || exit 1
! grep -q failed "$work/steps.tsv"
