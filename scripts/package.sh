#!/usr/bin/env bash
# Builds Debian packages for this release of Debian or Ubuntu and any CPU of its architecture.   scripts/package.sh [FOLDER]
#   FOLDER: where tern_*.deb and libtern-dev_*.deb go; by default build-package
# `apt install ./tern_*.deb` then installs the program with the libraries that it needs.
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/../build-package}")
cd "$(dirname "$0")/.."
scripts/setup.sh dpkg-dev file  # dpkg-shlibdeps names the packages of libraries, of the files that file finds to be programs
# Loops of tern's own are for the least CPU of the architecture; oneDNN and libjpeg-turbo look at the one they run on.
scripts/build.sh build-package -DTERN_NATIVE=OFF -DTERN_CUDA=OFF -DTERN_TESTS=OFF -DTERN_BENCHMARKS=OFF -DTERN_EXAMPLES=OFF
mkdir -p "$out"
(cd build-package && cpack -B "$out" >cpack.log) || { cat build-package/cpack.log >&2; exit 1; }
rm -rf "$out/_CPack_Packages"
ls "$out"/*.deb
