#!/usr/bin/env bash
# PyTorch 2.15.0: torch.save refuses a checkpoint that holds torch.channels_last, with "cannot pickle 'module' object".
#
# Trainers put their options beside the weights, and a memory format among them ends the save: torch.memory_format pickles with
# protocols 4 and 5 alone, and torch.save uses 2. Its relatives torch.dtype, torch.layout, torch.device and torch.qscheme all
# save and load, also with weights_only. With pickle_protocol=4 the save succeeds, and then torch.load with its default,
# weights_only=True, does not take the file, since what it names is no allowed global. The message names neither the key nor
# the memory format, and the file that was begun is left.
#   findings/torch_memory_format_save.sh        downloads PyTorch with its CUDA libraries (gigabytes); needs Python 3.11 to 3.13
#                                               with venv, and pip; 0 if all is still so, 1 if not
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.15.0 numpy==2.4.6
cat >"$folder/save.py" <<'PYTHON'
import os
import pickle
import sys
import torch

file = os.path.join(sys.argv[1], "checkpoint.pth")


def attempt(value, **options):
    """What saving and loading {"weights", "option": value} comes to."""
    if os.path.exists(file):
        os.remove(file)
    try:
        torch.save({"weights": torch.ones(2), "option": value}, file, **options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    try:
        return "as saved" if torch.load(file)["option"] == value else "another value"
    except Exception as error:
        return f"not loaded: {type(error).__name__}"


print(f"PyTorch {torch.__version__}")
relatives = [torch.bfloat16, torch.strided, torch.device("cpu"), torch.per_tensor_affine]
saved = [attempt(value) for value in relatives]
for value, result in zip(relatives, saved):
    print(f"  {str(value):24} {result}")
refused = attempt(torch.channels_last)
left = os.path.exists(file)
print(f"  {str(torch.channels_last):24} {refused}{' (a file is left)' if left else ''}")
protocol4 = attempt(torch.channels_last, pickle_protocol=4)
print(f"  the same by protocol 4   {protocol4}")


def pickles(protocol):
    try:
        return pickle.loads(pickle.dumps(torch.channels_last, protocol=protocol)) == torch.channels_last
    except TypeError:
        return False


protocols = [protocol for protocol in range(6) if pickles(protocol)]
print(f"  protocols that pickle it: {protocols}")
still = (
    set(saved) == {"as saved"} and refused == "TypeError: cannot pickle 'module' object" and left
    and protocol4 == "not loaded: UnpicklingError" and protocols == [4, 5]
)
print("still so" if still else "CHANGED")
sys.exit(0 if still else 1)
PYTHON
"$folder/venv/bin/python" "$folder/save.py" "$folder"
