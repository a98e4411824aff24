#!/usr/bin/env bash
# Builds the fast tests with sanitizers, and runs them.   scripts/sanitize.sh [--threads] [CTEST OPTION...]
#   ASan and UBSan; with --threads TSan, by Clang, whose OpenMP tells it what waits for what (Archer)
set -euo pipefail
cd "$(dirname "$0")/.."
build=build-sanitize options=("-DTERN_SANITIZE=address,undefined")
# What tests/leaks.txt and tests/races.txt name is left on purpose, or not tern's.
export LSAN_OPTIONS=suppressions=$PWD/tests/leaks.txt ASAN_OPTIONS=detect_leaks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
if [ "${1:-}" = --threads ]; then
  shift
  scripts/setup.sh clang-16 libclang-rt-16-dev libomp-16-dev llvm-16
  build=build-threads options=(-DTERN_SANITIZE=thread -DCMAKE_CXX_COMPILER=clang++-16)
  OMP_TOOL_LIBRARIES=$(llvm-config-16 --libdir)/libarcher.so
  export OMP_TOOL_LIBRARIES TSAN_OPTIONS=suppressions=$PWD/tests/races.txt:ignore_noninstrumented_modules=1
fi
scripts/build.sh $build -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" "${options[@]}" \
  -DTERN_BENCHMARKS=OFF -- fast_tests
ctest --test-dir $build --output-on-failure --no-tests=error -LE long -j "$(nproc)" "$@"
