#!/usr/bin/env bash
# What TensorBoard 2.21.0 (data server 0.7.2) shows of a run that went back some steps and logged them again.
#
# A writer that takes up a run at step N writes a record SessionLog.START with that step (torch.utils.tensorboard's purge_step
# does), and "what was logged for this step and later ones is void" is what it is documented to mean. Seen here:
#   the default loader (the data server)   ignores the record. A tag that is logged again drops its own later points; a tag that
#                                          is not logged again keeps the points that were to be void
#   --load_fast=false (the Python loader)  ignores the first START of a run: steps 1 2 3 4 and again 3 come as one zig-zag line.
#                                          A second START in the run voids the later steps of all tags, as documented
# So the same event files are three different curves, and the record cannot be relied upon. tern takes the steps out of the
# files instead.
#   findings/tensorboard_restarted_run.sh       needs Python 3.11 to 3.13 with venv, and pip; 0 if all is still so, 1 if not
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
# setuptools: the last that has pkg_resources, which TensorBoard imports.
"$folder/venv/bin/pip" install -q tensorboard==2.21.0 tensorboard-data-server==0.7.2 numpy==2.4.6 setuptools==80.9.0
cat >"$folder/restarted.py" <<'PYTHON'
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

logs = os.path.join(sys.argv[1], "logs")


def write(run, steps_of_tags, start=None):
    """One event file of a run: START at a step, then scalars."""
    time.sleep(1.1)  # files are read by name, which holds the second
    writer = EventFileWriter(os.path.join(logs, run))
    if start is not None:
        session = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        writer.add_event(event_pb2.Event(wall_time=time.time(), step=start, session_log=session))
    for tag, steps in steps_of_tags.items():
        for step in steps:
            value = summary_pb2.Summary.Value(tag=tag, simple_value=float(step))
            writer.add_event(event_pb2.Event(wall_time=time.time(), step=step, summary=summary_pb2.Summary(value=[value])))
    writer.close()


# Both tags reach step 4; the run is taken up at 3, and only "again" is logged there. "second" had a START before.
write("first", {"again": [1, 2, 3, 4], "not_again": [1, 2, 3, 4]})
write("first", {"again": [3]}, start=3)
write("second", {"again": [1, 2], "not_again": [1, 2]})
write("second", {"again": [3, 4], "not_again": [3, 4]}, start=3)
write("second", {"again": [3]}, start=3)


def shown(fast):
    """Steps by run and tag, as the page is given them."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", logs, "--port", "0", "--host", "127.0.0.1",
               f"--load_fast={fast}"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        address = None
        for line in server.stdout:
            found = re.search(r"http://\S+:\d+/", line)
            if found:
                address = found.group(0)
                break
        assert address, "TensorBoard named no address"
        result, deadline = {}, time.time() + 60
        wanted = [(run, tag) for run in ("first", "second") for tag in ("again", "not_again")]
        time.sleep(6)  # until all files are read
        for run, tag in wanted:
            query = urllib.parse.urlencode({"run": run, "tag": tag})
            while True:
                try:
                    with urllib.request.urlopen(f"{address}data/plugin/scalars/scalars?{query}") as answer:
                        result[run, tag] = [step for _, step, _ in json.load(answer)]
                    break
                except OSError:
                    if time.time() > deadline:
                        raise
                    time.sleep(1)
        return result
    finally:
        server.kill()
        server.wait()


def version(package):
    return importlib.metadata.version(package)


fast, slow = shown("true"), shown("false")
print(f"TensorBoard {version('tensorboard')}, data server {version('tensorboard-data-server')}: steps drawn")
print(f"{'run':8} {'tag':10} {'data server':>16} {'Python loader':>16}")
for run, tag in fast:
    print(f"{run:8} {tag:10} {str(fast[run, tag]):>16} {str(slow[run, tag]):>16}")
still = (
    fast["first", "again"] == [1, 2, 3] and fast["first", "not_again"] == [1, 2, 3, 4]
    and fast["second", "not_again"] == [1, 2, 3, 4]
    and slow["first", "again"] == [1, 2, 3, 4, 3] and slow["first", "not_again"] == [1, 2, 3, 4]
    and slow["second", "again"] == [1, 2, 3] and slow["second", "not_again"] == [1, 2]
)
print("still so" if still else "CHANGED")
sys.exit(0 if still else 1)
PYTHON
"$folder/venv/bin/python" "$folder/restarted.py" "$folder"
