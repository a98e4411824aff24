#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.   scripts/test.sh [CTEST OPTION...]
# CTEST OPTION: for example `-LE long` for the fast ones alone, or `-R softmax`.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh build -DTERN_TESTS=ON -DTERN_BENCHMARKS=ON -DTERN_EXAMPLES=ON  # demo.sh leaves them out
ctest --test-dir build --output-on-failure --no-tests=error -j "$(nproc)" "$@"  # those that use every core run alone
