#!/usr/bin/env bash
# Programs outside of the tree: installs a build into a folder, moves it, and has find_package(tern) build and run a copy
# of examples/mlp.cpp with an op of its own, and a program that uses Eigen itself. Needs no network.
#   check_install.sh CMAKE BUILD [CMAKE OPTION...]     the options: for the programs, generator and compiler
set -euo pipefail
cmake=$1 build=$(cd "$2" && pwd)
shift 2
command -v "$cmake" >/dev/null || { echo "skipped: no cmake"; exit 77; }
source=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() {
  echo "check_install: $*" >&2
  exit 1
}

DESTDIR='' "$cmake" --install "$build" --prefix "$folder/first" >"$folder/log" || { cat "$folder/log"; exit 1; }
for tree in "$build" "$source" "$folder"; do
  ! grep -rIF "$tree" "$folder/first" || fail "wanted installed texts without paths of $tree, got these"
done
[ -z "$(find "$folder/first" -type d -empty)" ] || fail "wanted no empty folders, got $(find "$folder/first" -type d -empty)"
mv "$folder/first" "$folder/installed"

mkdir "$folder/program"
cp "$source/examples/mlp.cpp" "$folder/program"
cat >"$folder/program/half.cpp" <<'END'
#include "engine/backend/dispatch.h"

tern::Tensor half(const tern::Tensor& x) {
  tern::Tensor y = tern::Tensor::empty_like(x);
  tern::dispatch(
      x, [&] { y.data<float>()[0] = x.data<float>()[0] / 2; }, [&](auto& device) { device.synchronize(); });
  return y;
}
END
# Compiled for any CPU and not optimized, so that its functions of Eigen are the ones that tern calls.
cat >"$folder/program/own_eigen.cpp" <<'END'
#include <Eigen/Dense>

#include "models/novelty_distance.h"

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

int main() {
  Matrix a = Matrix::Random(64, 8);
  a = (a * a.transpose()).eval();
  std::vector<float> features(64 * 8);
  std::vector<std::int32_t> classes(64);
  for (int i = 0; i < 64 * 8; ++i) features[i] = static_cast<float>(a.data()[i]), classes[i / 8] = i / 8 % 2;
  return tern::Mahalanobis({features, 8}, classes, 2).novelty({features, 8})[0] >= 0 ? 0 : 1;
}
END
cat >"$folder/program/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(program LANGUAGES CXX)
find_package(tern 0.1 REQUIRED)
add_executable(mlp mlp.cpp half.cpp)
target_link_libraries(mlp PRIVATE tern::tern)
add_executable(own_eigen own_eigen.cpp)
target_link_libraries(own_eigen PRIVATE tern::tern)
END
"$cmake" -S "$folder/program" -B "$folder/program/build" "-DCMAKE_PREFIX_PATH=$folder/installed" "$@"
"$cmake" --build "$folder/program/build"
"$folder/program/build/mlp"
"$folder/program/build/own_eigen"
"$(find "$folder/installed" -type f -name tern -perm -u+x)" --version
cp "$source/examples/cuda/vector_add.cu" "$folder/program"
(cd "$folder/program" && "$folder/installed/bin/tern-profile" vector_add.cu)
