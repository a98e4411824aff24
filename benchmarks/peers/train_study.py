#!/usr/bin/env python3
"""Approach B of the study in PyTorch, on the images of a tern run: the same split, weights and hyper-parameters.

    train_study.py --run RUN --data DIR --cifar DIR --weights FILE.pth --arch resnet18 --epochs 3 [--level super|sub]

Reads RUN/split.csv (image,part,superclass_index,subclass_index), where CIFAR images are named cifar:<record>:<class>.
Prints one line of JSON an epoch: losses, validation accuracy (as the reference counts it and on seen classes alone),
seconds. The transforms are torchvision's on PIL images, as in the reference.
"""
import argparse
import csv
import io
import json
import pathlib
import time
import zipfile

import numpy
import torch
import torchvision
from PIL import Image
from torchvision import transforms

NORMALIZE = [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
TRAIN = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.RandomRotation(10), *NORMALIZE])
EVALUATE = transforms.Compose(NORMALIZE)
NOVEL = {"super": 3, "sub": 87}
RECORD_BYTES = 3074


def read_split(options):
    """{part: [(PIL image, superclass, subclass)]}, every image decoded and resized to 64x64."""
    archive = zipfile.ZipFile(options.data / "train_images.zip")
    by_name = {pathlib.PurePosixPath(name).name: name for name in archive.namelist()}
    cifar = (options.cifar / "train.bin").read_bytes() if options.cifar else b""
    parts = {"train": [], "validation": [], "pseudo_novel": []}
    with open(options.run / "split.csv", newline="") as table:
        for row in csv.DictReader(table):
            if row["image"].startswith("cifar:"):
                start = int(row["image"].split(":")[1]) * RECORD_BYTES + 2
                planes = numpy.frombuffer(cifar[start:start + 3072], numpy.uint8).reshape(3, 32, 32)
                image = Image.fromarray(planes.transpose(1, 2, 0).copy())
            else:
                image = Image.open(io.BytesIO(archive.read(by_name[row["image"]]))).convert("RGB")
            image = transforms.functional.resize(image, [64, 64])
            parts[row["part"]].append((image, int(row["superclass_index"]), int(row["subclass_index"])))
    return parts


def batches(items, level, transform, batch, shuffle):
    order = torch.randperm(len(items)).tolist() if shuffle else range(len(items))
    for start in range(0, len(items), batch):
        chosen = [items[i] for i in order[start:start + batch]]
        images = torch.stack([transform(image) for image, _, _ in chosen])
        labels = torch.tensor([sup if level == "super" else sub for _, sup, sub in chosen])
        yield images.to(memory_format=torch.channels_last), labels


def build(options, level):
    model = getattr(torchvision.models, options.arch)()
    model.load_state_dict(torch.load(options.weights))
    model.fc = torch.nn.Linear(model.fc.in_features, NOVEL[level] + 1)
    return model.to(memory_format=torch.channels_last)


def train_epoch(model, optimizer, items, level, options):
    model.train()
    total = count = 0
    for images, labels in batches(items, level, TRAIN, options.batch, shuffle=True):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        total, count = total + loss.item() * len(labels), count + len(labels)
    return total / count


@torch.no_grad()
def validate(model, items, level, options):
    model.eval()
    loss = correct = seen = seen_correct = 0
    for images, labels in batches(items, level, EVALUATE, options.batch, shuffle=False):
        logits = model(images)
        loss += torch.nn.functional.cross_entropy(logits, labels, reduction="sum").item()
        hit, known = logits.argmax(1) == labels, labels != NOVEL[level]
        correct, seen = correct + hit.sum().item(), seen + known.sum().item()
        seen_correct += (hit & known).sum().item()
    return loss / len(items), 100 * correct / len(items), 100 * seen_correct / max(seen, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--cifar", type=pathlib.Path)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--level", action="append", choices=["super", "sub"])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    parts = read_split(options)
    for level in options.level or ["super", "sub"]:
        model = build(options, level)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4)
        for epoch in range(1, options.epochs + 1):
            start = time.perf_counter()
            train_loss = train_epoch(model, optimizer, parts["train"], level, options)
            seconds = time.perf_counter() - start
            loss, accuracy, seen = validate(model, parts["validation"], level, options)
            print(json.dumps({
                "side": f"PyTorch {torch.__version__}", "arch": options.arch, "level": level, "epoch": epoch,
                "train_loss": round(train_loss, 4), "validation_loss": round(loss, 4),
                "accuracy_percent": round(accuracy, 2), "seen_accuracy_percent": round(seen, 2),
                "seconds": round(seconds, 1)}), flush=True)


if __name__ == "__main__":
    main()
