#!/usr/bin/env bash
# Formats every source, or with --check says which are not formatted.
set -euo pipefail
cd "$(dirname "$0")/.."
for program in clang-format git; do
  command -v $program >/dev/null || { echo "format: wanted $program (apt-get install $program)" >&2; exit 1; }
done
# What strangers write stays as it is, with the lines that its tests want.
mapfile -t sources < <(git ls-files '*.h' '*.cpp' '*.cu' '*.cuh' '*.js' ':!tests/cuda_programs')
if [ "${1:-}" = --check ]; then
  clang-format --dry-run --Werror "${sources[@]}"
else
  clang-format -i "${sources[@]}"
fi
