#!/usr/bin/env bash
# Builds tern into a folder.   scripts/build.sh [FOLDER [CMAKE OPTION...]] [-- TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
options=() targets=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1") && shift; done
[ $# -gt 1 ] && targets=(--target "${@:2}")
folder=${options[0]:-build}
options=("${options[@]:1}")
for program in cmake ninja; do
  command -v $program >/dev/null || { echo "build: wanted $program (scripts/setup.sh installs it)" >&2; exit 1; }
done
cmake -S . -B "$folder" -G Ninja "${options[@]}" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; exit 1; }
rm -f "$folder.log"
cmake --build "$folder" "${targets[@]}"
