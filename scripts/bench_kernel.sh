#!/usr/bin/env bash
# Measures kernels of one's own beside tern's and, with a GPU and PyTorch, beside PyTorch's: docs/benchmarks.md. Without a GPU it
# says whether they are right and counts what they ask of memory.
#   scripts/bench_kernel.sh FILE.cu|FOLDER... [--count] [--build FOLDER] [-- OPTION...]
#     --count           on the emulator, also where there is a GPU
#     --build FOLDER    where it is built, build-bench by default
#     OPTION...         of build-bench/count_kernels, or with a GPU of benchmarks/compare_kernels.py: --full, --json FILE, ...
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
usage() { sed -n '2,7p' "$0" >&2; exit 2; }
fail() { echo "bench_kernel: $*" >&2; exit 2; }

sources=() options=() build=$root/build-bench count=
while [ $# -gt 0 ]; do
  case $1 in
    --count) count=1 ;;
    --build) [ $# -gt 1 ] || usage; build=$(realpath -m "$2"); shift ;;
    --) shift; options=("$@"); break ;;
    -*) usage ;;
    *) [ -e "$1" ] || fail "wanted a source or a folder, got $1"; sources+=("$(realpath "$1")") ;;
  esac
  shift
done
[ ${#sources[@]} -gt 0 ] || usage

PATH=$PATH:/usr/local/cuda/bin
program=count_kernels cuda=OFF
if nvidia-smi -L >/dev/null 2>&1 && command -v nvcc >/dev/null; then
  cuda=ON
  [ -n "$count" ] || program=bench_kernels
fi
"$root/scripts/build.sh" "$build" -DTERN_CUDA=$cuda "-DTERN_BENCH_SOURCES=$(IFS=';'; echo "${sources[*]}")" -- $program

# The families of which there is more than tern's side.
mapfile -t families < <("$build/$program" --list | awk -F '\t' '$2 != "tern" && !seen[$1]++ { print $1 }')
[ ${#families[@]} -gt 0 ] || fail "wanted a Registration in ${sources[*]}, got none"
if [ $program = bench_kernels ]; then
  exec python3 "$root/benchmarks/compare_kernels.py" --build "$build" --side-by-side "${options[@]}" "${families[@]}"
fi
exec "$build/$program" --side-by-side "${options[@]}" "${families[@]}"
