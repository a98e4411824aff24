#!/usr/bin/env python3
"""Writes imagenet_samples.txt: what PyTorch and torchvision make of photographs, from the JPEGs to the logits, for
test_imagenet_samples.

    make_imagenet_samples_goldens.py SHARED      (SHARED: the folder beside the project; torch 2.15, torchvision 0.29.2,
                                                  Pillow 13.0.0)

A case a network; of each image, in order of names: the first class, its logit, the norm of all logits.
"""
import pathlib
import sys

import torch
import torchvision
from PIL import Image
from torchvision import transforms

from formula import Goldens

shared = pathlib.Path(sys.argv[1])
evaluation = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
)
images = sorted((shared / "data" / "imagenet_samples").glob("*.JPEG"))
inputs = torch.stack([evaluation(Image.open(image).convert("RGB")) for image in images])
goldens = Goldens("imagenet_samples.txt")
for arch in ("resnet18", "resnet50"):
    net = getattr(torchvision.models, arch)(weights=None)
    net.load_state_dict(torch.load(shared / "weights" / f"{arch}-imagenet.pth", map_location="cpu"), strict=True)
    with torch.no_grad():
        logits = torch.cat([net.eval()(part) for part in inputs.split(8)])
    goldens.case(arch)
    goldens.put(first_class=logits.argmax(1), first_logit=logits.amax(1), norm=logits.norm(dim=1))
goldens.write()
