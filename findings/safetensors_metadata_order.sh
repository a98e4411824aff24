#!/usr/bin/env bash
# safetensors 0.8.0 (Python package): equal tensors with equal metadata are written as different bytes, call by call.
#
# The header's "__metadata__" object is written in the order of a hash table that is seeded anew for each call, so a file with
# two or more metadata keys has another SHA-256 every time, in one process and across processes. The tensors' part and files
# with one key or none are the same each time. Whoever compares checkpoints by their hash, or wants a training to give the same
# bytes, has to compare tensors, or write the metadata sorted and by other means, as tern does.
#   findings/safetensors_metadata_order.sh      needs Python 3.11 to 3.13 with venv, and pip; 0 if all is still so, 1 if not
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q safetensors==0.8.0 numpy==2.4.6
cat >"$folder/order.py" <<'PYTHON'
import hashlib
import json
import sys
import numpy
import safetensors
from safetensors.numpy import load, save

tensors = {"a": numpy.arange(3.0), "b": numpy.ones((2, 2), numpy.float32)}


def files(keys, count=50):
    return [save(tensors, metadata={key: "text" for key in keys}) for _ in range(count)]


def hashes(written):
    return len({hashlib.sha256(one).hexdigest() for one in written})


def header(one):
    return json.loads(one[8 : 8 + int.from_bytes(one[:8], "little")])


one, eight = files("a"), files("abcdefgh")
print(f"safetensors {safetensors.__version__}: 50 files of equal contents")
print(f"  with one metadata key: {hashes(one)} different, with eight: {hashes(eight)} different")
for written in eight[:3]:
    print("  keys in the order of the file:", "".join(header(written)["__metadata__"]))
equal = all((load(written)[name] == tensors[name]).all() for written in eight for name in tensors)
same = all(header(written) == header(eight[0]) for written in eight)
print(f"  tensors equal: {equal}, headers equal as JSON: {same}")
still = hashes(one) == 1 and hashes(eight) > 1 and equal and same
print("still so" if still else "CHANGED")
sys.exit(0 if still else 1)
PYTHON
"$folder/venv/bin/python" "$folder/order.py"
