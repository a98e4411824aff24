#!/usr/bin/env bash
# Installs what tern needs to build, from Debian's or Ubuntu's packages, if anything is missing. Nothing else is fetched.
#   scripts/setup.sh [PACKAGE...]      what the build and the tests need, and these
set -euo pipefail

packages=(
  doctest-dev
  libcli11-dev
  libdnnl-dev
  libdw-dev
  libeigen3-dev
  libfmt-dev
  libjpeg-dev
  libjs-chart.js
  libonnx-dev
  libopenmpi-dev
  libprotobuf-dev
  libstb-dev
  libtomlplusplus-dev
  libutf8proc-dev
  libzip-dev
  nlohmann-json3-dev
  openmpi-bin
  pkg-config
  protobuf-compiler
  "$@"
)
missing=()
# These programs may come from elsewhere, for example from pip.
command -v g++ >/dev/null || missing+=(g++)
command -v cmake >/dev/null || missing+=(cmake)
command -v ninja >/dev/null || missing+=(ninja-build)
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "setup: wanted Debian or Ubuntu (apt-get); install these yourself: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: wanted root or sudo to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
# Without a network this is to fail within a minute, not to hang.
patience=(-o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20)
"${as_root[@]}" apt-get "${patience[@]}" update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get "${patience[@]}" install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
