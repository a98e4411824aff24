#!/usr/bin/env bash
# Proves tern on this machine's GPU in under nine minutes: builds for it, runs the whole test suite on it, runs
# compute-sanitizer on every kernel, trains the demonstration, measures the kernels and the training step (beside PyTorch
# where the python has it with CUDA), and writes <gpu>-<date>.md and .json. Fails if anything failed or took too long.
#   scripts/gpu_check.sh [--seconds N] [--python PYTHON] [--results DIR] [--quick]
#     --seconds N       for everything together, 540 by default; what is left after the checks goes into measuring
#     --python PYTHON   an interpreter with torch for the peers; python3 by default
#     --results DIR     where the report goes, benchmarks/results by default; rewritten after each step
#     --quick           no benchmarks
#   TERN_COMMIT=HASH in the environment names the commit where there is no .git.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

budget=540
python=python3
results=benchmarks/results
steps=(driver build tests memcheck racecheck demo kernels training_step)
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) budget=${2:?--seconds: wanted a number}; shift 2 ;;
    --python) python=${2:?--python: wanted an interpreter}; shift 2 ;;
    --results) results=${2:?--results: wanted a folder}; shift 2 ;;
    --quick) steps=(driver build tests memcheck racecheck demo); shift ;;
    *) sed -n '2,10p' "$0" >&2; exit 2 ;;
  esac
done
[[ $budget =~ ^[1-9][0-9]*$ ]] || { echo "gpu_check: --seconds: wanted a number, got $budget" >&2; exit 2; }

gpu=$(timeout 60 nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
if [ -z "$gpu" ]; then
  echo "gpu_check: wanted an NVIDIA GPU (nvidia-smi names none)" >&2
  exit 1
fi

command -v "$python" >/dev/null || { echo "gpu_check: --python: wanted an interpreter, got $python" >&2; exit 1; }

# CUDA's programs may be off the PATH, and cuDNN, CMake and ninja may be the Python environment's.
command -v nvcc >/dev/null || PATH=$PATH:/usr/local/cuda/bin
if [ -z "${VIRTUAL_ENV:-}" ]; then
  VIRTUAL_ENV=$("$python" -c 'import sys; print(sys.prefix)')
  PATH=$PATH:$VIRTUAL_ENV/bin
fi

build="build-gpu"
work=$PWD/$build/check  # logs, and what the steps make
rm -rf "$work"
mkdir -p "$work" || exit 1
if ! { mkdir -p "$results" && [ -w "$results" ]; } 2>/dev/null; then
  echo "gpu_check: --results: wanted a folder to write to, got $results" >&2
  exit 1
fi
export VIRTUAL_ENV build work python
export TERN_REQUIRE_CUDA=1  # tests fail where they would do without the GPU
export PYTHONUNBUFFERED=1   # what a program printed before it was stopped is in its log

report=$results/$(tr '[:upper:]' '[:lower:]' <<<"$gpu" | sed 's/[^a-z0-9]\+/-/g; s/^-//; s/-$//')-$(date +%F)
[ -e "$report.md" ] && report+=-$(date +%H%M%S)  # the day's earlier report stays
declare -A result seconds
for name in "${steps[@]}"; do result[$name]="not run" seconds[$name]=0; done

write_report() {
  for name in "${steps[@]}"; do
    printf '%s\t%s\t%s\n' "$name" "${result[$name]}" "${seconds[$name]}"
  done >"$work/steps.tsv"
  "$python" benchmarks/gpu_report.py --gpu "$gpu" --work "$work" --build "$build" --python "$python" \
    --report "$report" "$@"
}

child=
stop() {  # Ctrl-C, or somebody else's patience is at its end
  trap '' INT TERM
  [ -n "$child" ] && kill -KILL -- "-$child" 2>/dev/null
  result[$running]=stopped
  write_report
  echo "gpu_check: stopped; $report.md tells what was done" >&2
  exit 1
}
running=${steps[0]}
trap stop INT TERM

# At most so many percent of the time that is left, so that one slow step does not eat all others.
declare -A share=([driver]=20 [build]=100 [tests]=60 [memcheck]=50 [racecheck]=50 [demo]=50 [kernels]=60
                  [training_step]=100)

# step NAME: runs the function NAME into a log, notes how it ended and how long it took, and rewrites the report.
step() {
  local name=$1 begin=$SECONDS code=0
  running=$name
  export limit=$(((budget - SECONDS - 8) * share[$name] / 100))  # 8 s: to end what does not want to, and to report
  printf '== %s, for at most %s s\n' "$name" "$limit"
  if [ "$limit" -gt 0 ]; then
    # In the background, since a trap waits for what is in the foreground.
    timeout --kill-after=4 "$limit" bash -uo pipefail -c "$name" >"$work/$name.log" 2>&1 </dev/null &
    child=$!
    wait "$child" || code=$?
    kill -KILL -- "-$child" 2>/dev/null  # what it has left behind: timeout has a process group of its own
    child=
  else
    code=124
  fi
  case $code in
    0) result[$name]=passed ;;
    124 | 137) result[$name]="timed out" ;;
    *) result[$name]=failed ;;
  esac
  seconds[$name]=$((SECONDS - begin))
  [ $code -ne 0 ] && [ -e "$work/$name.log" ] && tail -n 40 "$work/$name.log"
  printf '   %s in %s s\n' "${result[$name]}" "${seconds[$name]}"
  write_report
  return $code
}

# The X.Y that follows a pattern in what a program prints.
version_after() { sed -n "s/.*$1[ :]*\([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p" | head -n 1; }

driver() {
  nvidia-smi || return
  local supported toolkit
  supported=$(nvidia-smi | version_after 'CUDA [A-Z ]*Version')
  toolkit=$(nvcc --version | version_after release)
  [ -n "$toolkit" ] || { echo "wanted nvcc on the PATH or in /usr/local/cuda/bin, got none"; return 1; }
  echo "The driver is for CUDA ${supported:-unknown}, the toolkit is $toolkit."
  # Within a major version an older driver does.
  if [ -n "$supported" ] && [ "${supported%.*}" -lt "${toolkit%.*}" ]; then
    echo "wanted a driver for CUDA ${toolkit%.*}, got one for CUDA $supported: update it, or build with an older toolkit"
    return 1
  fi
}

configure() { cmake -S . -B "$build" -G Ninja -DTERN_CUDA=ON -DTERN_TESTS=ON -DTERN_BENCHMARKS=ON; }
build() {
  if ! configure; then
    echo "== Not configured: is it a package that is missing?"
    timeout --foreground 120 scripts/setup.sh && configure || return
  fi
  cmake --build "$build" --parallel "$(nproc)"
}

# Plans of convolutions that were timed beside other work are no good for the benchmarks, which keep their own.
busy() { XDG_CACHE_HOME=$PWD/$build/plans-busy "$@"; }
quiet() { XDG_CACHE_HOME=$PWD/$build/plans-quiet "$@"; }

# Eight at a time, each with its part of the cores.
tests() {
  local cores
  cores=$(nproc)
  OMP_NUM_THREADS=$((cores > 8 ? cores / 8 : 1)) \
    busy ctest --test-dir "$build" -j8 --timeout 120 --no-tests=error --output-on-failure
}

# sanitize_program TOOL PROGRAM PORT: its test cases of kernels; writes a log, and a line on how it ended into TOOL.tsv.
sanitize_program() {
  local name begin=$SECONDS ended=passed
  name=$(basename "$2")
  # A port of its own: by default all would try the same few.
  compute-sanitizer --tool "$1" --error-exitcode 1 --port "$3" "$2" -tc='*kernel*' >"$work/$1-$name.log" 2>&1 ||
    ended=failed
  printf '%s\t%s\t%s\n' "$name" $ended $((SECONDS - begin)) >>"$work/$1.tsv"
  echo "$name $ended"
  [ $ended = passed ]
}

# sanitize TOOL: over every kernel's test, at the shapes of the tests, eight at a time.
sanitize() {
  local port=49152 kernel program
  command -v compute-sanitizer || { echo "wanted compute-sanitizer of the CUDA toolkit, got none"; return 1; }
  for kernel in kernels/*.cu; do
    program=$build/tests/test_$(basename "$kernel" .cu)
    if [ -e "$program" ]; then echo "$1 $program $((port += 32))"; fi
  done | OMP_NUM_THREADS=1 xargs -P8 -L1 bash -c 'sanitize_program "$@"' sanitize_program
}
memcheck() { sanitize memcheck; }
racecheck() { sanitize racecheck; }

demo() {
  local tern=$build/tern
  busy "$tern" demo-data --out "$work/data" &&
    busy "$tern" train --config apps/configs/demo.toml --device cuda --data "$work/data" --out "$work/run" &&
    busy "$tern" evaluate --run "$work/run" --device cuda &&
    busy "$tern" predict --run "$work/run" --device cuda --images "$work/data/test_images" \
      --labels "$work/data/test_labels.csv" --out "$work/predictions.csv"
}

# The comparisons start nothing new once their seconds are over, and need some to end what they have begun.
compare() {
  local program=$1
  shift
  quiet "$python" "benchmarks/$program" --build "$build" --python "$python" \
    --seconds $((limit > 120 ? limit - 60 : limit / 2)) "$@"
}
kernels() { compare compare_kernels.py --json "$work/kernels.json"; }
training_step() { compare compare_step.py --device cuda --json "$work/step.json"; }

export -f "${steps[@]}" version_after configure busy quiet sanitize sanitize_program compare
for name in "${steps[@]}"; do
  step "$name" && continue
  case $name in driver | build) break ;; esac  # without these there is nothing to run
done
write_report --finished || exit 1
echo "$report.md: $(for name in "${steps[@]}"; do printf '%s %s, ' "$name" "${result[$name]}"; done | sed 's/, $//')"
for name in "${steps[@]}"; do [ "${result[$name]}" = passed ] || exit 1; done
