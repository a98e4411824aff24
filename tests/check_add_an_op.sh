#!/usr/bin/env bash
# docs/add_an_op.md shows the files of examples/add_an_op: each block of code that follows a line with a file's name in
# backquotes is that file, and no file is left out. Copied over the tree, as the page says, they are found by CMake.
#   check_add_an_op.sh CMAKE [CMAKE OPTION...]     the options: generator and compiler
set -euo pipefail
cmake=$1
shift
cd "$(dirname "$0")/../examples/add_an_op"
shown=$(mktemp -d)
trap 'rm -rf "$shown"' EXIT

awk -v out="$shown" '
  in_block && /^```$/ { in_block = 0; close(path); path = ""; next }
  in_block { print > path; next }
  /^`[a-z_\/]+\.[a-z]+`$/ { path = substr($0, 2, length($0) - 2); gsub("/", "+", path); path = out "/" path; next }
  /^```cpp$/ && path != "" { in_block = 1; next }
  /[^ ]/ { path = "" }
' ../../docs/add_an_op.md

status=0
while read -r file; do
  name=${file#./}
  diff -u "$shown/${name//\//+}" "$file" || { echo "docs/add_an_op.md: wanted $name as in examples/add_an_op"; status=1; }
done < <(find . -name '*.h' -o -name '*.cpp' -o -name '*.cu')

copy=$shown/tree
mkdir "$copy"
tar -C ../.. --exclude='./build*' --exclude=./.git --exclude=./runs -cf - . | tar -C "$copy" -xf -
cp -r kernels engine tests benchmarks "$copy"
"$cmake" -S "$copy" -B "$copy/build" -DTERN_CUDA=OFF -DTERN_UNITY=OFF "$@" >"$shown/log" 2>&1 || { cat "$shown/log"; status=1; }
for found in kernels/gelu.cu engine/ops/gelu.cpp tests/test_gelu.cpp; do
  grep -q "$found" "$copy/build/compile_commands.json" || { echo "copied over the tree: CMake did not find $found"; status=1; }
done
exit $status
