#!/usr/bin/env bash
# docs/add_an_op.md shows the files of examples/add_an_op: each block of code that follows a line with a file's name in
# backquotes is that file, and no file is left out.
set -euo pipefail
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
exit $status
