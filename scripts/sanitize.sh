#!/usr/bin/env bash
# Builds the fast tests with ASan and UBSan, and runs them.   scripts/sanitize.sh [CTEST OPTION...]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh build-sanitize -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
  -DTERN_SANITIZE=address,undefined -DTERN_BENCHMARKS=OFF -- fast_tests
# tests/leaks.txt says what is left on purpose.
LSAN_OPTIONS=suppressions=$PWD/tests/leaks.txt UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1 \
  ctest --test-dir build-sanitize --output-on-failure --no-tests=error -LE long -j "$(nproc)" "$@"
