#!/usr/bin/env bash
# A training on two hosts: network namespaces with a link between them, which mpirun reaches without ssh. It ends with the bytes of
# one on two ranks of one host; and where the link goes down, with a line that names the rank behind it. (grep -a: Open MPI 5's mpirun
# may end its lines with a 0.)
#   check_two_hosts.sh TERN
# Skipped without root, iproute2 or an MPI.
set -euo pipefail
tern=$(realpath "$1")
skip() {
  echo "skipped: $*"
  exit 77
}
fail() {
  echo "check_two_hosts: $*" >&2
  exit 1
}
for program in ip mpirun unshare; do
  command -v $program >/dev/null || skip "no $program"
done
"$tern" --version | grep -q '^mpi Open MPI' || skip "no Open MPI when tern was built"
one=tern_$$_1 two=tern_$$_2
ip netns add $one 2>/dev/null || skip "no right to make network namespaces"
folder=$(mktemp -d)
kill_all() {
  for host in $one $two; do
    ip netns pids $host 2>/dev/null | xargs --no-run-if-empty kill -9
  done
}
clean_up() {
  set +e
  kill_all
  ip netns del $one
  ip netns del $two
  rm -rf "$folder"
} 2>/dev/null
trap clean_up EXIT
ip netns exec $one true 2>/dev/null || skip "no right to mount, which ip netns exec does"
ip netns add $two
ip link add cable netns $one type veth peer name cable netns $two
for number in 1 2; do
  host=tern_$$_$number
  ip -n $host addr add 10.97.0.$number/24 dev cable
  ip -n $host link set lo up
  ip -n $host link set cable up
done

# What mpirun calls in place of ssh: HOST COMMAND...
cat >"$folder/enter" <<END
#!/bin/bash
number=\${1##*.} && shift
exec ip netns exec tern_$$_\$number unshare --uts sh -c "hostname host\$number; \$*"
END
chmod +x "$folder/enter"
printf '10.97.0.%d slots=1\n' 1 2 >"$folder/hosts"  # with --host, Open MPI 5.0.7 would take both addresses for one host
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
on_two_hosts() {
  "$folder/enter" 10.97.0.1 mpirun -n 2 --hostfile "$folder/hosts" --mca plm_rsh_agent "$folder/enter" \
    --mca oob_tcp_if_include 10.97.0.0/24 --mca btl_tcp_if_include 10.97.0.0/24 "$@"
}
ranks_left() {
  for host in $one $two; do
    ip netns pids $host | xargs --no-run-if-empty ps -o comm= -p | grep -x tern || true
  done
}
within_seconds() {  # COMMAND... succeeds
  local turns=$((10 * $1))
  for _ in $(seq $turns); do
    "${@:2}" && return
    sleep .1
  done
  return 1
}
# cut_off RUN WORD...: cuts the link of a training once it has a checkpoint; words for mpirun.
cut_off() {
  ip -n $two link set cable up
  on_two_hosts "${@:2}" "${training[@]}" --set epochs=100000 --out "$1" >"$1.log" 2>&1 &
  within_seconds 60 test -e "$1/checkpoints/state.safetensors" || fail "wanted a training to cut off, got: $(cat "$1.log")"
  ip -n $two link set cable down
}

cd "$folder"
"$tern" demo-data --out data --images-per-subclass 3 --quiet
cat >config.toml <<'END'
backbone = "narrow_resnet10_4"
image_size = 16
batch_size = 12
rotation_degrees = 0
END
training=("$tern" train --config config.toml --data data --threads 1 --device cpu)
"${training[@]}" --set epochs=2 --out here --ranks 2 >here.log 2>&1 || fail "wanted a training on one host, got: $(cat here.log)"
on_two_hosts "${training[@]}" --set epochs=2 --out there >there.log 2>&1 || fail "wanted a training on two hosts, got: $(cat there.log)"
grep -aq '^host2: 1 thread in all, on 1 rank' there.log || fail "wanted a line on host2, got: $(cat there.log)"
cmp here/checkpoints/state.safetensors there/checkpoints/state.safetensors

# The ranks end by their own patience. mpirun goes on waiting for the host.
training+=(--set rank_patience_seconds=2)
cut_off first
within_seconds 30 grep -aq 'rank 0 of 2: rank 1: wanted an answer within 2 s, got none .*; the checkpoints are those of epoch ' first.log ||
  fail "wanted a line that names rank 1 and the last checkpoint, got: $(cat first.log)"
all_gone() { [ -z "$(ranks_left)" ]; }
within_seconds 30 all_gone || fail "wanted no rank left on either host, got: $(ranks_left)"
kill_all
wait

# Where mpirun looks at its connections more often, it ends first, and so does all else.
training+=(--set rank_patience_seconds=60)
cut_off second --mca oob_tcp_keepalive_time 2 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 2
wait $! || true  # of Open MPI 5.0.7 with 0
grep -aqE 'Remote daemon: .* on node (10.97.0.2|host2)' second.log || fail "wanted mpirun to name the host, got: $(cat second.log)"
"${training[@]}" --resume --ranks 2 --set epochs=100000 --out second >resumed.log 2>&1 &
within_seconds 30 grep -aq 'goes on after epoch' resumed.log || fail "wanted the training to go on, got: $(cat resumed.log)"
kill $!
wait
echo "two hosts: the bytes of one; a cut link is told in time"
