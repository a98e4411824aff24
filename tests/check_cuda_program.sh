#!/usr/bin/env bash
# Runs a CUDA program with tern-profile and looks for what its own comments want:
#   // options: --patience 1        of tern-profile
#   // wants CODE: TEXT             the exit code, and a text among what is printed
#   // wants: TEXT
#   check_cuda_program.sh TERN_PROFILE FILE.cu [OPTION...]
set -euo pipefail
profile=$1 file=$2
shift 2
cd "$(dirname "$file")"
file=$(basename "$file")
mapfile -t options < <(sed -n 's|^// options: ||p' "$file" | tr ' ' '\n')
code=$(sed -n 's|^// wants \([0-9]*\):.*|\1|p' "$file" | head -1)
status=0
output=$(timeout 120 "$profile" "$file" "${options[@]}" "$@" 2>&1) || status=$?
failed=0
if [ "$status" != "${code:-0}" ]; then
  echo "$file: wanted exit code ${code:-0}, got $status"
  failed=1
fi
while IFS= read -r text; do
  grep -qF -- "$text" <<<"$output" && continue
  echo "$file: wanted to be told \"$text\""
  failed=1
done < <(sed -n 's|^// wants[ 0-9]*: ||p' "$file")
if [ $failed = 1 ]; then
  printf 'got:\n%s\n' "$output"
fi
exit $failed
