#!/usr/bin/env bash
# docs/tour.md: every file that it names is there, and the evening's are 1,500 lines at most.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0 folder=
while read -r name; do  # a name without a folder is in the one named before it
  case $name in
    */*) folder=${name%/*} ;;
    *) name=$folder/$name ;;
  esac
  [ -e "$name" ] || { echo "docs/tour.md: $name is not there"; status=1; }
done < <(grep -oE '`[a-zA-Z0-9_/]+(\.(h|cpp|cu|sh|md)|/)`' docs/tour.md | tr -d '`')

mapfile -t evening < <(sed -n '/^## An evening/,/^## A week/p' docs/tour.md |
  grep -oE '`[a-z0-9_]+/[a-z0-9_/]+\.(h|cpp|cu)`' | tr -d '`')
lines=$(cat "${evening[@]}" | wc -l)
echo "the evening: ${#evening[@]} files, $lines lines"
[ "$lines" -le 1500 ] || { echo "docs/tour.md: wanted 1500 lines at most"; status=1; }
exit $status
