#!/usr/bin/env bash
# Times one step of two commits in turn, and the first against itself, which is what a difference must exceed.
#   benchmarks/compare_commits.sh [--rounds N] A B [BENCH_STEP OPTION...]       5 rounds by default; A, B: whatever git knows
#   benchmarks/compare_commits.sh HEAD~1 HEAD --arch resnet18 --mode inference --threads 2
# Builds each commit's bench_step in a checkout of its own in build-commits/, which the next call finds again. A round is A, B,
# and A again. Prints the medians over rounds of each run's median; the ratio is A's time over B's (over 1: B is faster) and its
# range that of single rounds; the noise is how far the second run of A lay from the first, in the round where it was furthest.
set -euo pipefail
cd "$(dirname "$0")/.."
usage() { sed -n '2,7p' "$0" >&2; exit 2; }
rounds=5
if [ "${1:-}" = --rounds ]; then
  [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || usage
  rounds=$2
  shift 2
fi
[ $# -ge 2 ] || usage
root=$PWD/build-commits programs=()
for name in "$1" "$2"; do
  commit=$(git rev-parse --verify --quiet --end-of-options "$name^{commit}") ||
    { echo "compare_commits: wanted a commit, got $name" >&2; exit 1; }
  tree=$root/$(git rev-parse --short=12 "$commit")
  if [ ! -e "$tree/.git" ]; then
    git worktree prune
    git worktree add --quiet --force --detach "$tree" "$commit"
  fi
  echo "building $name ($(git log -1 --format='%h %s' "$commit"))"
  "$tree/scripts/build.sh" build -DCMAKE_BUILD_TYPE=Release -DTERN_CUDA=OFF -- bench_step >"$tree.log" 2>&1 ||
    { tail -n 20 "$tree.log" >&2; exit 1; }
  programs+=("$tree/build/bench_step")
done

# measure PROGRAM: the median of its steps in ms.
measure() {
  local line
  line=$("$@") || return
  python3 -c 'import json, sys; print(json.loads(sys.argv[1])["median_ms"])' "$line"
}
times=$(mktemp)
trap 'rm -f "$times"' EXIT
for ((round = 1; round <= rounds; ++round)); do
  a=$(measure "${programs[0]}" "${@:3}")
  b=$(measure "${programs[1]}" "${@:3}")
  again=$(measure "${programs[0]}" "${@:3}")
  printf 'round %d: A %.1f ms, B %.1f ms, A %.1f ms\n' "$round" "$a" "$b" "$again"
  echo "$a $b $again" >>"$times"
done
python3 - "$times" <<'END'
import statistics, sys

rounds = [[float(word) for word in line.split()] for line in open(sys.argv[1])]
a = statistics.median((first + again) / 2 for first, _, again in rounds)
b = statistics.median(second for _, second, _ in rounds)
ratios = [(first + again) / 2 / second for first, second, again in rounds]
noise = max(abs(again / first - 1) for first, _, again in rounds)
print(f"A {a:.1f} ms, B {b:.1f} ms: ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), noise {100 * noise:.1f} %")
END
