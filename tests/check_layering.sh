#!/usr/bin/env bash
# A layer may include only itself and the layers above it in this list: the order in which a batch travels and in which
# to read the code. Prints every line that points the wrong way and fails if there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

layers=(engine/core kernels/common kernels engine/device engine/tensor engine/backend engine/autograd engine/distributed engine/ops
        engine/optim engine/metrics engine/io data models
        apps/common apps/profile apps/page apps/weights apps/run apps/train apps/measure apps/export apps/report apps/study apps)

level_of() {  # the position of the layer that holds a path; empty if none does
  local position
  for position in "${!layers[@]}"; do
    case "$1" in "${layers[$position]}"/*) echo "$position"; return ;; esac
  done
}

status=0
while IFS=: read -r file line include; do
  target=$(sed -E 's/.*["<](.*)[">].*/\1/' <<<"$include")
  from=$(level_of "$file")
  to=$(level_of "$target")
  if [ -z "$to" ]; then
    echo "$file:$line: \"$target\" is in no layer" && status=1
  elif [ "$to" -gt "$from" ]; then
    echo "$file:$line: ${layers[$from]} may not include ${layers[$to]} (\"$target\")" && status=1
  fi
done < <(grep -rnE '^ *# *include *("|<(engine|kernels|data|models|apps)/)' engine kernels data models apps \
           --include='*.h' --include='*.cpp' --include='*.cu')

# The engine and its kernels know classes, groups of classes, targets and probabilities. The study's words begin in data/.
# (A subclass in torch_objects is one of Python's.)
words='superclass|notebook|faithful|cifar|\bstudy\b|\breference\b|\bsub_|\bsuper_|\bsupers\b|\bsubs\b'
grep -rniE "$words|subclass" engine kernels --include='*.h' --include='*.cpp' --include='*.cu' --include=CMakeLists.txt |
  grep -vE '^engine/io/torch_objects\.[a-z]+:[0-9]+:.*subclass' && echo "the study's words are not the engine's" && status=1

# No file beyond what a reader takes in.
while read -r lines file; do
  [ "$file" = total ] && continue
  [ "$lines" -gt 450 ] && echo "$file: $lines lines; split it (450 at most)" && status=1
done < <(find engine kernels data models apps tests -name '*.h' -o -name '*.cpp' -o -name '*.cu' | xargs wc -l)

exit $status
