#!/usr/bin/env bash
# Builds tern into a folder.   scripts/build.sh [FOLDER [CMAKE OPTION...]]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build}
[ $# -gt 0 ] && shift
for program in cmake ninja; do
  command -v $program >/dev/null || { echo "build: wanted $program (scripts/setup.sh installs it)" >&2; exit 1; }
done
cmake -S . -B "$folder" -G Ninja "$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; exit 1; }
rm -f "$folder.log"
cmake --build "$folder"
