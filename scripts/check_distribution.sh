#!/usr/bin/env bash
# Runs the README's two commands on a bare system: makes a root of a release of Debian or Ubuntu with debootstrap, clones
# what is committed here into it, runs scripts/demo.sh and scripts/test.sh inside, and reports compiler, oneDNN, times and
# tests. Fails if either does.
#   scripts/check_distribution.sh [--ccache] [--fresh] [--fast|--sanitize] SUITE   SUITE: trixie, bookworm, or another of
#                                                                                  debootstrap's
#   scripts/check_distribution.sh [--ccache] [--fresh] --packages SUITE
#   scripts/check_distribution.sh [--fresh] --bundle FOLDER SUITE       FOLDER: what scripts/gpu_bundle.sh made
#     --ccache   compiles with ccache, whose cache is kept: times then say nothing of a first build
#     --fast     leaves out the tests that are labelled long
#     --sanitize in place of scripts/test.sh: scripts/sanitize.sh, the fast tests under ASan and UBSan
#     --fresh    makes the kept root anew, as is done by itself once a month
#     --packages in place of both commands: scripts/package.sh, whose tern_*.deb is installed in a second bare root and used
#     --bundle   in place of all that: both calls of scripts/gpu_check.sh --no-gpu, with nothing installed
#   Needs root, debootstrap, git and a network. Packages come from TERN_MIRROR in the environment, else from the mirror
#   that this machine's apt uses, else from debootstrap's own. ${XDG_CACHE_HOME:-~/.cache}/tern/distributions/SUITE keeps
#   the root and the packages, so that a second run downloads nothing.
# All that touches the root is in a namespace of its own for processes and mounts: when this script ends, however it ends,
# both are gone, and the machine has never seen a mount.
set -euo pipefail

fail() {
  echo "check_distribution: $*" >&2
  exit 1
}

# --- In the root ---

# measure COMMAND...: runs it, and notes how long it took.
measure() {
  local TIMEFORMAT="$*: %0R s (%0U s user, %0S s system)" code=0
  { time "$@" 2>&3 || code=$?; } 3>&2 2>>/root/report
  return $code
}

commands() {
  cd /root/tern
  {
    # shellcheck source=/dev/null
    (. /etc/os-release && echo "$PRETTY_NAME, commit $TERN_COMMIT")
    echo "$(nproc) x $(grep -m 1 'model name' /proc/cpuinfo | sed 's/.*: //'):" \
      "$(grep -m 1 flags /proc/cpuinfo | grep -owE 'sse4_2|avx|fma|avx2|avx512[a-z]+' | tr '\n' ' ')"
  } >/root/report
  measure scripts/setup.sh
  if [ $# -gt 0 ]; then  # ccache
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  fi
  echo "$(g++ --version | head -n 1), oneDNN $(dpkg-query -W -f '${Version}' libdnnl-dev)" >>/root/report
  if [ -n "$TERN_PACKAGES" ]; then
    measure scripts/package.sh /root/packages
    return
  fi
  measure scripts/demo.sh
  # shellcheck disable=SC2086
  measure $TERN_TEST_COMMAND | tee /root/tests
}

# Where nothing was built: the program with the packages that it names, its pages, and a study in small.
installed_commands() {
  cd /root
  apt-get update -qq
  measure apt-get install -y -qq --no-install-recommends ./tern_*.deb >/dev/null
  apt-get clean
  test -s /usr/share/bash-completion/completions/tern
  measure tern demo-data --images-per-subclass 20 --out data
  printf 'backbone = "narrow_resnet10_4"\nimage_size = 32\nepochs = 2\ncifar = "none"\n' >config.toml
  measure tern train --config config.toml --data data --out run
  measure tern predict --run run --images data/test_images --labels data/test_labels.csv --out predictions.csv
  measure tern export run model.onnx
  wc -c predictions.csv model.onnx >>/root/report
  dpkg-query -W -f '${Package} ${Version}, ${Installed-Size} KiB, wants ${Depends}\n' tern >>/root/report
}

bundle_commands() {
  cd /root/tern
  # shellcheck source=/dev/null
  (. /etc/os-release && echo "$PRETTY_NAME, $(ldd --version | head -n 1)") >/root/report
  sed -n '/^commit/,$p' bundle.txt >>/root/report
  measure scripts/gpu_check.sh right --no-gpu --seconds 3600  # on a slow machine, too
  measure scripts/gpu_check.sh fast --no-gpu
  cut -f 1,2 build-gpu/check-right/tests.tsv >>/root/report
}

# --- In the namespace ---

# The mirror from which this machine's apt takes the packages of the vendor whose key signs the suite; none if it does not.
mirror_of() {
  local vendor=Debian
  grep -q ubuntu-archive-keyring "$1" && vendor=Ubuntu
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(SITE)' "Origin: $vendor" "Label: $vendor" 2>/dev/null | head -n 1
}

# make_root SUITE CACHE WORK: a bare root as CACHE/root.tar, unless one is there.
make_root() {
  local suite=$1 cache=$2 made=$3/made script=/usr/share/debootstrap/scripts/$1 options=(--variant=minbase) mirror
  grep -q ubuntu-archive-keyring "$script" && options+=("--components=main,universe")
  mirror=${TERN_MIRROR:-$(mirror_of "$script" || true)}
  echo "== Making a bare root of $suite"
  # Root runs what is in it, so somebody must have signed it.
  if ! debootstrap --force-check-gpg "${options[@]}" "$suite" "$made" ${mirror:+"$mirror"} >"$3/log" 2>&1; then
    cat "$made/debootstrap/debootstrap.log" >>"$3/log" 2>/dev/null || true
    tail -n 8 "$3/log" >&2
    fail "wanted a root of $suite from ${mirror:-"debootstrap's mirror"}, got none: is there a network?"
  fi
  rm -f "$made"/var/cache/apt/archives/*.deb
  tar -C "$made" --one-file-system -cf "$cache/root.tar.part" .
  mv "$cache/root.tar.part" "$cache/root.tar"
  rm -rf --one-file-system "$made"
}

# keep CACHE NAME FOLDER: what the root writes into FOLDER is kept.
keep() {
  mkdir -p "$1/$2" "$3"
  mount --bind "$1/$2" "$3"
}

# open_root ROOT CACHE: a bare root with a way into the network, and mounts.
open_root() {
  mkdir "$1"
  tar -C "$1" -xf "$2/root.tar"
  cp --remove-destination --dereference /etc/resolv.conf /etc/hosts "$1/etc/"
  apt-config dump 2>/dev/null | grep -iE '^Acquire::https?::Proxy' >"$1/etc/apt/apt.conf.d/95proxy" || true
  echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe-io"  # what is thrown away need not survive a power cut
  mount -t proc proc "$1/proc"
  mount -t devpts devpts "$1/dev/pts"
  keep "$2" archives "$1/var/cache/apt/archives"
  keep "$2" lists "$1/var/lib/apt/lists"
}

# in_root ROOT FUNCTION: runs one of the functions above in it.
in_root() {
  local environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
    "TERN_TEST_COMMAND=$test_command" "TERN_COMMIT=$commit" "TERN_PACKAGES=$packages") variable
  for variable in http_proxy https_proxy no_proxy; do
    [ -z "${!variable:-}" ] || environment+=("$variable=${!variable}")
  done
  chroot "$1" env -i "${environment[@]}" bash -c "$(declare -f measure commands installed_commands \
    bundle_commands); set -euo pipefail; $2" </dev/null
}

inside() {
  local suite=$1 cache=$2 root=$3/root bare=$3/bare source=$4 commit code=0 tried="demo.sh and ${test_command#scripts/}"
  [ -e "$cache/root.tar" ] || make_root "$suite" "$cache" "$3"
  open_root "$root" "$cache"
  [ -n "$bundle" ] || [ -z "$(git -c safe.directory='*' -C "$source" status --porcelain)" ] ||
    echo "== What is not committed is not tried"
  commit=$(git -c safe.directory='*' -C "$source" rev-parse --short=12 HEAD)
  if [ -n "$bundle" ]; then
    cp -r "$bundle" "$root/root/tern"
    tried="both calls of gpu_check.sh"
  else
    git -c safe.directory='*' clone -q --depth 1 "file://$source" "$root/root/tern"
  fi
  [ -z "$ccache" ] || keep "$cache" ccache "$root/root/.cache/ccache"

  in_root "$root" "${bundle:+bundle_}commands $ccache" || code=$?
  if [ -n "$packages" ]; then
    tried="package.sh, and what it made"
    open_root "$bare" "$cache"
    cp "$root"/root/packages/tern_*.deb "$bare/root" && in_root "$bare" installed_commands || code=$?
    cat "$bare/root/report" >>"$root/root/report" || true
  fi
  printf '\n== %s\n' "$suite"
  cat "$root/root/report"
  sed -n '/tests passed,/,$p' "$root/root/tests" 2>/dev/null || true
  [ $code -eq 0 ] || fail "$suite: wanted $tried to succeed, got exit code $code"
}

# --- On the machine ---

child=
work=
clean() {
  local try
  trap '' INT TERM HUP
  if [ -n "$child" ]; then
    kill -KILL "$child" || true  # its end is the end of every process in the namespace
    wait "$child" || true
  fi 2>/dev/null
  [ -n "$work" ] || return 0
  for try in 1 2 4; do
    rm -rf --one-file-system "$work" 2>/dev/null && return
    sleep "$try"  # until they are gone
  done
  echo "check_distribution: could not remove $work" >&2
}

main() {
  local fresh='' suite='' cache program
  while [ $# -gt 0 ]; do
    case "$1" in
      --ccache) ccache=ccache ;;
      --fresh) fresh=fresh ;;
      --fast) test_command="scripts/test.sh -LE long" ;;
      --sanitize) test_command=scripts/sanitize.sh ;;
      --packages) packages=packages ;;
      --bundle)
        [ -e "${2:-}/bundle.txt" ] || fail "--bundle: wanted a folder that scripts/gpu_bundle.sh made, got ${2:-none}"
        bundle=$(realpath "$2")
        shift
        ;;
      -* | '') suite='' && break ;;
      *) suite=$1 ;;
    esac
    shift
  done
  [[ $suite =~ ^[a-z]+$ ]] || { sed -n '2,17p' "$0" >&2; exit 2; }
  [ "$(id -u)" -eq 0 ] || fail "wanted root (chroot and mounts need it), got user $(id -un)"
  for program in debootstrap git unshare chroot flock; do
    command -v $program >/dev/null || fail "wanted $program, found none (apt-get install debootstrap git util-linux)"
  done
  [ -e "/usr/share/debootstrap/scripts/$suite" ] ||
    fail "wanted a suite that debootstrap knows (/usr/share/debootstrap/scripts), got $suite"
  unshare --mount --pid --fork --mount-proc true 2>/dev/null ||
    fail "wanted a machine that lets root make namespaces and mounts (a container often does not)"

  cache=${XDG_CACHE_HOME:-$HOME/.cache}/tern/distributions/$suite
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock --nonblock 9 || fail "wanted $cache for itself, got another run that uses it"
  rm -rf --one-file-system "$cache"/work.*  # of a run that was killed
  if [ -n "$fresh" ] || [ -n "$(find "$cache/root.tar" -mtime +30 2>/dev/null)" ]; then rm -f "$cache/root.tar"; fi
  trap clean EXIT
  trap 'exit 130' INT TERM HUP
  work=$(mktemp -d "$cache/work.XXXXXX")
  # In the background, since a trap waits for what is in the foreground.
  ccache=$ccache test_command=$test_command bundle=$bundle packages=$packages \
    unshare --mount --pid --fork --kill-child --mount-proc \
    "$0" --inside "$suite" "$cache" "$work" "$(cd "$(dirname "$0")/.." && pwd)" &
  child=$!
  local code=0
  wait "$child" || code=$?
  child=
  exit $code
}

ccache=${ccache:-} test_command=${test_command:-scripts/test.sh} bundle=${bundle:-} packages=${packages:-}
if [ "${1:-}" = --inside ]; then
  inside "${@:2}"
else
  main "$@"
fi
