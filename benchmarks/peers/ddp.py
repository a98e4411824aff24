#!/usr/bin/env python3
"""One rank of a training with PyTorch's DistributedDataParallel over gloo; the first prints images a second as a line of JSON.

    RANK=0 WORLD_SIZE=2 MASTER_ADDR=10.96.0.1 MASTER_PORT=29500 ddp.py --arch resnet50 --batch 64 --threads 1 --steps 10

The same network, batch (of all ranks together) and optimiser as benchmarks/peers/step.py, channels-last, on images that are in memory
already. DDP sums gradients in buckets of 25 MiB beside the backward pass, as it does by default.
"""
import argparse
import json
import time

import torch
import torch.distributed
import torchvision

WARM_UPS = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.distributed.init_process_group("gloo")
    rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    torch.manual_seed(1)
    model = getattr(torchvision.models, options.arch)()
    model.fc = torch.nn.Linear(model.fc.in_features, 88)
    model = torch.nn.parallel.DistributedDataParallel(model.to(memory_format=torch.channels_last).train())
    share = options.batch // ranks + (rank < options.batch % ranks)
    images = torch.randn(share, 3, options.size, options.size).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 88, (share,))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4)
    criterion = torch.nn.CrossEntropyLoss()
    for step in range(WARM_UPS + options.steps):
        if step == WARM_UPS:
            torch.distributed.barrier()
            start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        criterion(model(images), labels).backward()
        optimizer.step()
    torch.distributed.barrier()
    if rank == 0:
        print(json.dumps({"side": f"PyTorch {torch.__version__}",
                          "images_per_second": options.steps * options.batch / (time.perf_counter() - start)}))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
