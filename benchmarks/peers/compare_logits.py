#!/usr/bin/env python3
"""Compares the logits that `tern classify --logits FILE` wrote with PyTorch's on the same input tensors.

    build/tern classify --arch resnet50 --weights WEIGHTS.pth --logits logits.safetensors IMAGE...
    benchmarks/peers/compare_logits.py --arch resnet50 --weights WEIGHTS.pth [--labels labels.csv] logits.safetensors

Differences are relative to the largest logit of the image. --labels, a CSV with `image` and `class_index` in the
order in which the images were given, counts how often each side's first class is right. Needs torch and torchvision.
Exit code 1 if any difference is over 1e-3.
"""
import argparse
import csv
import json
import sys

import numpy as np
import torch
import torchvision

LIMIT = 1e-3


def read_safetensors(path):
    data = open(path, "rb").read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        assert entry["dtype"] == "F32", name
        values = np.frombuffer(data[begin:end], dtype="<f4").copy()
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]))
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", required=True, help="as of tern classify")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--labels")
    parser.add_argument("logits")
    options = parser.parse_args()

    tern = read_safetensors(options.logits)
    net = getattr(torchvision.models, options.arch)(weights=None)
    net.load_state_dict(torch.load(options.weights, map_location="cpu"), strict=True)
    net.eval()
    with torch.no_grad():
        peer = torch.cat([net(part) for part in tern["images"].split(8)])
    difference = (tern["logits"] - peer).abs().amax(1) / peer.abs().amax(1)
    same_first = (tern["logits"].argmax(1) == peer.argmax(1)).sum().item()
    print(f"{options.arch}: {len(peer)} images, largest relative difference {difference.max().item():.2e}, "
          f"mean {difference.mean().item():.2e}; same first class for {same_first}")
    if options.labels:
        with open(options.labels, newline="", encoding="utf-8") as stream:
            rows = sorted(csv.DictReader(stream), key=lambda row: row["image"])
        labels = torch.tensor([int(row["class_index"]) for row in rows])
        right = {side: (logits.argmax(1) == labels).sum().item() for side, logits in
                 {"tern": tern["logits"], "PyTorch": peer}.items()}
        print(f"right first class of {len(labels)}: " + ", ".join(f"{k} {v}" for k, v in right.items()))
    sys.exit(0 if difference.max() <= LIMIT else 1)


if __name__ == "__main__":
    main()
