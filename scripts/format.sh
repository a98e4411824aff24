#!/usr/bin/env bash
# Formats every source, or with --check says which are not formatted.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang-format >/dev/null || { echo "format: wanted clang-format (apt-get install clang-format)" >&2; exit 1; }
mapfile -t sources < <(git ls-files '*.h' '*.cpp' '*.cu' '*.cuh' '*.js')
if [ "${1:-}" = --check ]; then
  clang-format --dry-run --Werror "${sources[@]}"
else
  clang-format -i "${sources[@]}"
fi
