#!/usr/bin/env python3
"""The work of benchmarks/bench_step.cpp in PyTorch, channels-last: one line of JSON with the same keys.

    step.py --arch resnet50 --mode train --batch 64 --size 64 --threads 2 --repeats 10
    step.py --device cuda --precision bf16 [--compile] ...      autocast for bf16; fused Adam on a GPU
"""
import argparse
import json
import resource
import time

import torch
import torchvision


def peak_mib(device):
    if device == "cuda":
        return torch.cuda.max_memory_reserved() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--mode", choices=["train", "inference"], default="train")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
    parser.add_argument("--compile", action="store_true", help="torch.compile the network")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)

    model = getattr(torchvision.models, options.arch)()
    model.fc = torch.nn.Linear(model.fc.in_features, 88)
    device = torch.device(options.device)
    model = model.to(device, memory_format=torch.channels_last)
    images = torch.randn(options.batch, 3, options.size, options.size)
    images = images.to(device, memory_format=torch.channels_last)
    labels = torch.randint(0, 88, (options.batch,)).to(device)
    fused = {"fused": True} if options.device == "cuda" else {}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4, **fused)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = options.precision == "tf32"
    autocast = torch.autocast(options.device, torch.bfloat16, enabled=options.precision == "bf16")
    network = torch.compile(model) if options.compile else model
    criterion = torch.nn.CrossEntropyLoss()

    def train():
        optimizer.zero_grad(set_to_none=True)
        with autocast:
            loss = criterion(network(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def infer():
        with torch.no_grad(), autocast:
            return network(images).sum().item()

    model.train(options.mode == "train")
    work = train if options.mode == "train" else infer
    for _ in range(4):
        work()
    times = []
    for _ in range(options.repeats):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    times.sort()
    print(json.dumps({
        "side": f"PyTorch {torch.__version__}" + (" compiled" if options.compile else ""), "arch": options.arch, "mode": options.mode, "batch": options.batch,
        "size": options.size, "threads": options.threads, "device": options.device, "precision": options.precision,
        "repeats": options.repeats,
        "median_ms": times[len(times) // 2], "p20_ms": times[len(times) // 5], "p80_ms": times[len(times) * 4 // 5],
        "peak_mib": peak_mib(options.device),
    }))


if __name__ == "__main__":
    main()
