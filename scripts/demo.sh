#!/usr/bin/env bash
# The whole study in small, on the CPU: installs what is missing, builds, makes a synthetic data set, trains approach A
# on it, evaluates, predicts images of which five in eight are of classes never seen, and says how good that was.
#   scripts/demo.sh [FOLDER]      FOLDER: where data, run and predictions go; runs/demo by default, made anew each time
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-runs/demo}

if [ -e "$folder" ] && [ ! -e "$folder/.tern-demo" ]; then
  echo "demo: wanted a folder that is absent or was made by this script, got $folder" >&2
  exit 1
fi
scripts/setup.sh
echo "== Building"
scripts/build.sh build -DTERN_TESTS=OFF -DTERN_BENCHMARKS=OFF -DTERN_EXAMPLES=OFF -- tern | tail -n 1

rm -rf "$folder"
mkdir -p "$folder"
touch "$folder/.tern-demo"
tern=build/tern
say() { printf '\n== %s\n' "$*"; }

say "A synthetic data set in the study's layout"
$tern demo-data --out "$folder/data"

say "Training approach A: two heads and the KL term"
$tern train --config apps/configs/demo.toml --data "$folder/data" --out "$folder/run"

# What a subclass must score to be a known one, on images that training did not see.
say "Novelty of subclasses: a score fitted to features, and its threshold"
$tern calibrate --run "$folder/run" --score sub=relative_mahalanobis+max_logit

say "The dashboard: validation images"
$tern evaluate --run "$folder/run"

say "A report for the browser"
$tern report "$folder/run" --out "$folder/report.html"

say "Test images, with classes that training never saw"
$tern predict --run "$folder/run" --images "$folder/data/test_images" --out "$folder/predictions.csv" \
  --labels "$folder/data/test_labels.csv"

printf '\nThe run is in %s/run, the predictions in %s/predictions.csv; open %s/report.html in a browser.\n' \
  "$folder" "$folder" "$folder"
