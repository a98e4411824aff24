#!/usr/bin/env bash
# Proves tern on this machine's GPU, in two calls that fit a quarter of an hour: whether it is right, and how fast it is.
#   scripts/gpu_check.sh right [OPTION...]   tests, a training, compute-sanitizer: under 4 minutes
#   scripts/gpu_check.sh fast [OPTION...]    steps beside PyTorch's, where their time goes, kernels: under 5 minutes
#     --seconds N       for everything together; 240 and 300 by default
#     --build DIR       where the programs are; build-gpu by default
#     --python PYTHON   an interpreter, for the report, and with torch for the peers; python3 by default
#     --results DIR     where the report <gpu>-<date>-<call> (.md, .json) goes, rewritten after each step;
#                       benchmarks/results by default
#     --no-gpu          what needs no GPU, and what is skipped for want of one: to try what scripts/gpu_bundle.sh made
#   TERN_COMMIT=HASH in the environment names the commit where there is no .git.
# Programs of scripts/gpu_bundle.sh run as they are; else they are built for this GPU first, in the same time. Fails if
# anything failed or was cut off by the clock; what was is named.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

usage() { sed -n '2,13p' "$0" >&2; exit 2; }
fail() { echo "gpu_check: $*" >&2; exit 1; }

call=${1:-}
case "$call" in
  right) budget=240 steps=(driver build tests training memcheck synccheck initcheck) ;;
  fast) budget=300 steps=(driver build training_step profile kernels) ;;
  *) usage ;;
esac
shift
build=build-gpu python=python3 results=benchmarks/results no_gpu=
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) budget=${2:?--seconds: wanted a number}; shift 2 ;;
    --build) build=${2:?--build: wanted a folder}; shift 2 ;;
    --python) python=${2:?--python: wanted an interpreter}; shift 2 ;;
    --results) results=${2:?--results: wanted a folder}; shift 2 ;;
    --no-gpu) no_gpu=yes; shift ;;
    *) usage ;;
  esac
done
[[ $budget =~ ^[1-9][0-9]*$ ]] || { echo "gpu_check: --seconds: wanted a number, got $budget" >&2; exit 2; }

gpu="no GPU"
if [ -z "$no_gpu" ]; then
  gpu=$(timeout 60 nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
  [ -n "$gpu" ] || fail "wanted an NVIDIA GPU (nvidia-smi names none; --no-gpu tries the rest)"
  command -v "$python" >/dev/null || fail "--python: wanted an interpreter, got $python"
fi

mkdir -p "$build" || fail "--build: wanted a folder, got $build"
build=$(cd "$build" && pwd)
work=$build/check-$call  # logs, and what the steps make
rm -rf "$work"
mkdir -p "$work" || exit 1
if ! { mkdir -p "$results" && [ -w "$results" ]; } 2>/dev/null; then
  fail "--results: wanted a folder to write to, got $results"
fi

# CUDA's programs may be off the PATH, and cuDNN, CMake and ninja may be the Python environment's.
command -v nvcc >/dev/null || PATH=$PATH:/usr/local/cuda/bin
command -v ncu >/dev/null || for folder in /opt/nvidia/nsight-compute/*/; do PATH=$PATH:${folder%/}; done
if command -v "$python" >/dev/null; then
  python=$("$python" -c 'import sys; print(sys.executable)')  # which may stand behind a script that looks for it
  [ -n "${VIRTUAL_ENV:-}" ] || VIRTUAL_ENV=$("$python" -c 'import sys; print(sys.prefix)')
  PATH=$PATH:$VIRTUAL_ENV/bin
fi

# Of a bundle: its programs, and the C++ runtime that they were built with where this machine's is older. An older C library
# cannot be helped.
if [ -e programs.tar.gz ]; then
  if [ ! -e "$build/unpacked" ] || [ programs.tar.gz -nt "$build/unpacked" ]; then
    tar -xzf programs.tar.gz -C "$build" || fail "wanted to unpack programs.tar.gz into $build, got the error above"
    touch "$build/unpacked"
  fi
  if ! "$build/tern" --version >/dev/null 2>&1; then
    export LD_LIBRARY_PATH=$build/lib/runtime${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    "$build/tern" --version >/dev/null ||
      fail "wanted programs that start here ($(sed -n 's/^needs: //p' bundle.txt)), got the error above"
  fi
  steps=("${steps[@]/build}")
fi
mapfile -t steps < <(printf '%s\n' "${steps[@]}" | grep .)

export VIRTUAL_ENV=${VIRTUAL_ENV:-} build work python call no_gpu
export PYTHONUNBUFFERED=1  # what a program printed before it was stopped is in its log
export TERN_SOURCE=$PWD    # where the tests' goldens are
[ -n "$no_gpu" ] || export TERN_REQUIRE_CUDA=1  # tests fail where they would do without the GPU

report=$results/$(tr '[:upper:]' '[:lower:]' <<<"$gpu" | sed 's/[^a-z0-9]\+/-/g; s/^-//; s/-$//')-$(date +%F)-$call
[ -e "$report.md" ] && report+=-$(date +%H%M%S)  # the day's earlier report stays
declare -A result seconds
for name in "${steps[@]}"; do result[$name]="not run" seconds[$name]=0; done

write_report() {
  for name in "${steps[@]}"; do
    printf '%s\t%s\t%s\n' "$name" "${result[$name]}" "${seconds[$name]}"
  done >"$work/steps.tsv"
  command -v "$python" >/dev/null || return 0  # steps.tsv and the logs are what is left
  "$python" benchmarks/gpu_report.py --gpu "$gpu" --call "$call" --work "$work" --build "$build" --python "$python" \
    --report "$report" "$@"
}

child='' warming=''
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
trap '[ -z "$warming" ] || kill "$warming" 2>/dev/null' EXIT

# Of the time that is left, at most so many percent, so that one slow step does not eat all others.
declare -A share=([driver]=50 [build]=100 [tests]=55 [training]=40 [memcheck]=60 [synccheck]=60 [initcheck]=100
                  [training_step]=60 [profile]=50 [kernels]=100)

# step NAME: runs the function NAME into a log, notes how it ended and how long it took, and rewrites the report.
step() {
  local name=$1 begin=$SECONDS code=0
  running=$name
  export limit=$(((budget - SECONDS - 8) * share[$name] / 100))  # 8 s: to end what does not want to, and to report
  printf '== %s, for at most %s s\n' "$name" "$limit"
  if [ "$limit" -gt 0 ]; then
    # In the background, since a trap waits for what is in the foreground.
    timeout --kill-after=4 "$limit" bash -uo pipefail -c "source scripts/gpu_steps.sh; $name" \
      >"$work/$name.log" 2>&1 </dev/null &
    child=$!
    wait "$child" || code=$?
    kill -KILL -- "-$child" 2>/dev/null  # what it has left behind: timeout has a process group of its own
    child=
  else
    code=124
  fi
  case $code in
    0) result[$name]=passed ;;
    77) result[$name]=skipped ;;
    124 | 137) result[$name]="timed out" ;;
    *) result[$name]=failed ;;
  esac
  seconds[$name]=$((SECONDS - begin))
  [ $code -ne 0 ] && [ -e "$work/$name.log" ] && tail -n 40 "$work/$name.log"
  printf '   %s in %s s\n' "${result[$name]}" "${seconds[$name]}"
  write_report
  [ $code -eq 0 ] || [ $code -eq 77 ]
}

# A gigabyte or two of libraries, read while the first steps run, so that they are in memory when they are wanted.
bash -uo pipefail -c 'source scripts/gpu_steps.sh; warm' >/dev/null 2>&1 &
warming=$!

for name in "${steps[@]}"; do
  step "$name" && continue
  case $name in driver | build) break ;; esac  # without these there is nothing to run
done
write_report --finished || exit 1
passed=yes summary=
for name in "${steps[@]}"; do
  summary+="${summary:+, }$name ${result[$name]}"
  case ${result[$name]} in passed | skipped) ;; *) passed= ;; esac
done
command -v "$python" >/dev/null && echo "$report.md: $summary" || echo "no report for want of $python; $work: $summary"
[ -n "$passed" ]
