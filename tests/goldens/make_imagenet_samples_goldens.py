#!/usr/bin/env python3
"""Writes imagenet_samples.txt: what PyTorch makes of the very tensors that tern decoded, for test_imagenet_samples.

    make_imagenet_samples_goldens.py SHARED TERN      (TERN: the program, SHARED: the folder beside the project)

A case a network; of each image, in order of names: the first class, its logit, the norm of all logits.
"""
import pathlib
import subprocess
import sys
import tempfile

import torch
import torchvision

from formula import FOLDER, Goldens

sys.path.append(str(FOLDER.parents[1] / "benchmarks" / "peers"))
from compare_logits import read_safetensors

shared, tern = pathlib.Path(sys.argv[1]), sys.argv[2]
images = sorted((shared / "data" / "imagenet_samples").glob("*.JPEG"))
goldens = Goldens("imagenet_samples.txt")
for arch in ("resnet18", "resnet50"):
    weights = shared / "weights" / f"{arch}-imagenet.pth"
    with tempfile.TemporaryDirectory() as folder:
        logits = pathlib.Path(folder) / "logits.safetensors"
        command = [tern, "classify", "--arch", arch, "--weights", weights, "--logits", logits, *images]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        inputs = read_safetensors(logits)["images"]
    net = getattr(torchvision.models, arch)(weights=None)
    net.load_state_dict(torch.load(weights, map_location="cpu"), strict=True)
    with torch.no_grad():
        logits = torch.cat([net.eval()(part) for part in inputs.split(8)])
    goldens.case(arch)
    goldens.put(first_class=logits.argmax(1), first_logit=logits.amax(1), norm=logits.norm(dim=1))
goldens.write()
