#!/usr/bin/env python3
"""The work of benchmarks/bench_step.cpp in PyTorch, channels-last: one line of JSON with the same keys.

    step.py --arch resnet50 --mode train --batch 64 --size 64 --threads 2 --repeats 10
"""
import argparse
import json
import resource
import time

import torch
import torchvision


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--mode", choices=["train", "inference"], default="train")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)

    model = getattr(torchvision.models, options.arch)()
    model.fc = torch.nn.Linear(model.fc.in_features, 88)
    model = model.to(memory_format=torch.channels_last)
    images = torch.randn(options.batch, 3, options.size, options.size).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 88, (options.batch,))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4)
    criterion = torch.nn.CrossEntropyLoss()

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def infer():
        with torch.no_grad():
            return model(images).sum().item()

    model.train(options.mode == "train")
    work = train if options.mode == "train" else infer
    for _ in range(2):
        work()
    times = []
    for _ in range(options.repeats):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    times.sort()
    print(json.dumps({
        "side": f"PyTorch {torch.__version__}", "arch": options.arch, "mode": options.mode, "batch": options.batch,
        "size": options.size, "threads": options.threads, "repeats": options.repeats,
        "median_ms": times[len(times) // 2], "p20_ms": times[len(times) // 5], "p80_ms": times[len(times) * 4 // 5],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }))


if __name__ == "__main__":
    main()
