#!/usr/bin/env python3
"""Writes trajectory.txt: the losses of 20 steps of PyTorch's Adam on ResNet-18 and -50, in double.

    make_trajectory_goldens.py SHARED

`formula`: weights, images and labels from formula.py, 8 images of 64 x 64 a batch. `real`: ImageNet weights, and the
first 160 CIFAR-100 images in SHARED by 32, 32 -> 64 by Pillow, with their fine labels (CIFAR's bytes are raw, so that
no JPEG decoder stands between the two sides); `real50`: the same for ResNet-50. All: 5 batches in turn, Adam, rate 1e-5, coupled decay 1e-4 for all
parameters, a linear head filled by formula.

The same steps in f32 are printed beside, to see what rounding does. Adam divides each gradient by its own size, so the
sign of a gradient that is nothing but rounding moves a weight by the full rate: with the rate 1e-4, PyTorch's f32 is
0.7 % (formula) and 1.9 % (real) from its own double within 20 steps, and no other f32 can be nearer. Hence 1e-5.
"""
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image

from formula import Goldens, bits, fill, uniform

STEPS, BATCHES, FORMULA_BATCH, FORMULA_CLASSES, REAL_BATCH, RECORD = 20, 5, 8, 10, 32, 3074
shared = pathlib.Path(sys.argv[1])


def formula_batch(step):
    batch = step % BATCHES
    images = uniform(21, batch, (FORMULA_BATCH, 64, 64, 3), -2, 2).permute(0, 3, 1, 2)
    labels = bits(22, batch, FORMULA_BATCH) % np.uint64(FORMULA_CLASSES)
    return images, torch.from_numpy(labels.astype(np.int64))


def real_batch(step):
    data = np.fromfile(shared / "data/cifar-100-binary/train.bin", dtype=np.uint8, count=RECORD * BATCHES * REAL_BATCH)
    records = data.reshape(BATCHES, REAL_BATCH, RECORD)[step % BATCHES]
    images = []
    for record in records:
        image = Image.fromarray(record[2:].reshape(3, 32, 32).transpose(1, 2, 0))
        images.append(np.asarray(image.resize((64, 64), Image.BILINEAR)))
    images = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    return (images - mean) / deviation, torch.from_numpy(records[:, 1].astype(np.int64))


def train(arch, classes, batch, dtype, weights=None):
    net = getattr(torchvision.models, arch)(weights=None, num_classes=classes)
    fill(net, seed=20)
    if weights:
        state = {k: v for k, v in torch.load(weights, map_location="cpu").items() if not k.startswith("fc.")}
        net.load_state_dict(state, strict=False)
    net.to(dtype).train()
    adam = torch.optim.Adam(net.parameters(), lr=1e-5, weight_decay=1e-4)
    losses = []
    for step in range(STEPS):
        images, labels = batch(step)
        adam.zero_grad()
        loss = F.cross_entropy(net(images.to(dtype)), labels)
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


goldens = Goldens("trajectory.txt")
for name, arguments in {
    "formula": ("resnet18", FORMULA_CLASSES, formula_batch),
    "real": ("resnet18", 100, real_batch),
    "real50": ("resnet50", 100, real_batch),
}.items():
    weights = shared / f"weights/{arguments[0]}-imagenet.pth" if name.startswith("real") else None
    losses = train(*arguments, torch.float64, weights)
    single = train(*arguments, torch.float32, weights)
    goldens.case(name)
    goldens.put(losses=losses)
    print(name, "losses", [f"{loss:.4f}" for loss in losses.tolist()])
    print(name, "PyTorch's f32 against its double, largest relative:", ((single - losses) / losses).abs().max().item())
goldens.write()
