#!/usr/bin/env bash
# Packs all that scripts/gpu_check.sh runs into one folder, for a machine with a GPU on which nothing can be built or installed:
# programs for one kind of GPU and any x86-64 CPU with AVX2, the tests' goldens, and the libraries that the programs load.
#   scripts/gpu_bundle.sh [--arch 90] [--build DIR] [FOLDER]
#     --arch N      the GPU's compute capability; 90 by default, an H100's and H200's
#     --build DIR   where it is compiled, build-portable by default
#     FOLDER        build-bundle by default, made anew; there run FOLDER/scripts/gpu_check.sh
# The machine has a driver, cuDNN and cuBLAS (of a toolkit or of pip, as with torch) and, for what they do, compute-sanitizer and
# ncu. It may be of another distribution, with a C library as new as this one's or newer: bundle.txt says which.
set -euo pipefail
cd "$(dirname "$0")/.."

most_mib=64  # with which such machines are reached
arch=90 build=build-portable folder=
while [ $# -gt 0 ]; do
  case "$1" in
    --arch) arch=${2:?--arch: wanted a number}; shift 2 ;;
    --build) build=${2:?--build: wanted a folder}; shift 2 ;;
    -* | '') sed -n '2,9p' "$0" >&2; exit 2 ;;
    *) [ -z "$folder" ] || { sed -n '2,9p' "$0" >&2; exit 2; }; folder=$1; shift ;;
  esac
done
folder=${folder:-build-bundle}

fail() { echo "gpu_bundle: $*" >&2; exit 1; }
[[ $arch =~ ^[1-9][0-9]+$ ]] || fail "--arch: wanted a number such as 90, got $arch"
if [ -e "$folder" ] && [ ! -e "$folder/bundle.txt" ]; then
  fail "wanted a folder that is absent or was made by this script, got $folder"
fi
for program in cmake ninja strip objdump ldd; do
  command -v $program >/dev/null || fail "wanted $program (scripts/setup.sh installs it, binutils or libc-bin have it)"
done

programs=(tern bench_step bench_kernels tests/gpu_tests)
# Libraries beside a program are found by its own RPATH, and so are theirs: no variable is set that others would follow, too.
# shellcheck disable=SC2016
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTERN_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES="$arch-real" \
  -DTERN_NATIVE=OFF -DTERN_MPI=OFF -DCMAKE_CXX_FLAGS=-march=x86-64-v3 -DTERN_EXAMPLES=OFF -DTERN_TESTS=ON -DTERN_BENCHMARKS=ON \
  '-DCMAKE_BUILD_RPATH=$ORIGIN/lib;$ORIGIN/../lib' -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags >"$build.log" 2>&1 ||
  { cat "$build.log" >&2; exit 1; }
rm -f "$build.log"
cmake --build "$build" --target "${programs[@]##*/}"

rm -rf "$folder"
stage=$build/bundle
rm -rf "$stage"
mkdir -p "$folder" "$stage/tests" "$stage/lib/runtime"
for program in "${programs[@]}"; do strip --strip-debug -o "$stage/$program" "$build/$program"; done  # names stay, for backtraces
cp "$build/tests/gpu_tests.txt" "$stage/tests"

# The closure of what they load, without the C library: that is the machine's own, which its driver and its loader belong to.
# The C++ runtime stands apart, for gpu_check.sh to use where the machine's is older: of two, all libraries in a process are
# best served by the newer one.
needed=$(for program in "${programs[@]}"; do ldd "$build/$program"; done)
! grep 'not found' <<<"$needed" || fail "wanted every library that the programs load, got none of these"
for program in "${programs[@]}"; do
  "$stage/$program" --help >/dev/null || fail "wanted programs that start, got $program, which does not"
done
libraries=()
while read -r library; do
  name=$(basename "$library")
  case $name in
    ld-linux* | libc.so* | libm.so* | libmvec.so* | libdl.so* | librt.so* | libpthread.so* | libresolv.so*) continue ;;
    libstdc++.so* | libgcc_s.so*) cp -L "$library" "$stage/lib/runtime/$name" ;;
    *) cp -L "$library" "$stage/lib/$name" ;;
  esac
  libraries+=("$library")
done < <(sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' <<<"$needed" | sort -u)

needs_of() { find "$stage" -type f ! -name '*.txt' -exec objdump -T {} + | grep -oE "\b$1_[0-9.]+" | sort -uV | tail -n 1; }
# The packages that libraries are of, with their versions; a path may go through a link such as /lib.
# shellcheck disable=SC2016
packages_of() {
  local library
  for library in "$@"; do dpkg-query -S "$library" "$(realpath "$library")" 2>/dev/null | head -n 1 | sed 's/: .*//'; done |
    sort -u | xargs dpkg-query -W -f '${Package} ${Version}, ' 2>/dev/null | sed 's/, $//'
}
commit=$(git -c safe.directory='*' describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || echo "${TERN_COMMIT:-unknown}")
glibc=$(needs_of GLIBC)
cat >"$folder/bundle.txt" <<END
tern for a GPU of compute capability ${arch%?}.${arch: -1}: run scripts/gpu_check.sh here (--help says how); nothing is installed.

commit: $commit
needs: glibc ${glibc#GLIBC_} or later, an x86-64 CPU with AVX2 (x86-64-v3), tar and gzip
cuda: $(sed -n 's/^CMAKE_CUDA_COMPILER_VERSION.*"\(.*\)".*/\1/p; s/^set(CMAKE_CUDA_COMPILER_VERSION "\(.*\)").*/\1/p' "$build"/CMakeFiles/*/CMakeCUDACompiler.cmake | head -n 1)
compiler: $(c++ --version | head -n 1)
libraries: $(packages_of "${libraries[@]}")
END
tar -C "$stage" --owner=0 --group=0 -czf "$folder/programs.tar.gz" .
mkdir -p "$folder"/{scripts,tests,apps/configs,benchmarks/peers}
cp scripts/gpu_{check,steps}.sh "$folder/scripts"
cp benchmarks/*.py "$folder/benchmarks"
cp benchmarks/peers/*.py "$folder/benchmarks/peers"
cp apps/configs/demo.toml "$folder/apps/configs"
cp -r tests/goldens "$folder/tests"

bytes=$(du -sb "$folder" | cut -f 1)
if [ "$bytes" -gt $((most_mib << 20)) ]; then
  du -ab "$folder" | sort -rn | head -n 5 >&2
  fail "wanted at most $most_mib MiB, got $((bytes >> 20)): the largest are above"
fi
cat "$folder/bundle.txt"
printf '%s: %s MiB, %s unpacked\n' "$folder" $(((bytes >> 20) + 1)) "$(du -sh "$stage" | cut -f 1)"
