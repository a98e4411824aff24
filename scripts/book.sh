#!/usr/bin/env bash
# Makes the book, one site of learn/ and docs/: installs what is missing, builds tern-profile, runs the lessons that figures and tables
# are drawn from (what they counted is kept for the next time), and writes the pages. Nothing but Debian's packages is fetched.
#   scripts/book.sh [OUT]      OUT: where the site goes, build/book by default, made anew each time; open OUT/index.html
#   TERN_BUILD=FOLDER in the environment is a build with tern-profile, taken as it is; nothing is installed or built then.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-build/book}
if [ -e "$out" ] && [ ! -e "$out/.buildinfo" ]; then
  echo "book: wanted a folder that is absent or was made by this script, got $out" >&2
  exit 1
fi

# Debian's modules are those of /usr/bin/python3, whatever python3 is.
find_python() {
  local python
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import furo, myst_parser, sphinx' 2>/dev/null && command -v "$python" && return
  done
}
if [ -z "${TERN_BUILD:-}" ]; then
  packages=()
  [ -n "$(find_python)" ] || packages=(furo python3-myst-parser python3-sphinx)
  scripts/setup.sh "${packages[@]}"
  export TERN_BUILD=build
  scripts/build.sh build -- tern-profile | tail -n 1
fi
python=$(find_python)
[ -n "$python" ] || { echo "book: wanted the Python modules furo, myst_parser and sphinx, found none (without TERN_BUILD this" \
  "script installs them)" >&2; exit 1; }
TERN_BUILD=$(realpath "$TERN_BUILD")
export TERN_BUILD
rm -rf "$out"
"$python" -B -m sphinx -q -E -W --keep-going -d "$TERN_BUILD/book-doctrees" -c learn/book . "$out"
echo "The book is in $out/index.html"
