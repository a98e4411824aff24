#!/usr/bin/env bash
# Builds tests with sanitizers, and runs them.
#   scripts/sanitize.sh [CTEST OPTION...]            the fast tests with ASan and UBSan
#   scripts/sanitize.sh --threads [CTEST OPTION...]  every test program without emulated kernels, with TSan: Clang's, whose OpenMP
#                                                    tells it what waits for what (Archer). Installs what is missing of Debian's packages
# Without MPI, which is not compiled for sanitizers and keeps memory of its own to the end.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = --threads ]; then
  scripts/setup.sh clang-16 libclang-rt-16-dev libomp-16-dev llvm-16
  scripts/build.sh build-threads -DCMAKE_CXX_COMPILER=clang++-16 -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
    -DTERN_SANITIZE=thread -DTERN_CUDA=OFF -DTERN_MPI=OFF -DTERN_BENCHMARKS=OFF -- thread_tests
  # oneDNN and Debian's other libraries are not compiled for TSan, which knows nothing of how their threads wait.
  OMP_TOOL_LIBRARIES=$(llvm-config-16 --libdir)/libarcher.so TSAN_OPTIONS=ignore_noninstrumented_modules=1:allocator_may_return_null=1 \
    ctest --test-dir build-threads --output-on-failure --no-tests=error -R '^test_' -LE emulated -j "$(nproc)" "${@:2}"
  exit
fi
scripts/build.sh build-sanitize -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
  -DTERN_SANITIZE=address,undefined -DTERN_MPI=OFF -DTERN_BENCHMARKS=OFF -- fast_tests
# tests/leaks.txt says what is left on purpose.
LSAN_OPTIONS=suppressions=$PWD/tests/leaks.txt UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1 \
  ctest --test-dir build-sanitize --output-on-failure --no-tests=error -LE long -j "$(nproc)" "$@"
