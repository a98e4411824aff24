#!/usr/bin/env python3
"""Trains a network on N ranks of one thread and in one process of N threads, in turn, and prints both sides' images a second.

    benchmarks/compare_ranks.py [--build build] [--ranks 2] [--rounds 5] [--backbone resnet50] [--batch 64]
                                [--images-per-subclass 20]

The images are synthetic, 64x64. Each training has two epochs, of which the second counts. A cell is the median over rounds, "noise"
how far the slowest lies from the fastest, and the ratio the ranks' median over the process's. Fails if a training does.
"""
import argparse
import csv
import pathlib
import statistics
import subprocess
import sys
import tempfile

from comparison import at_least_one


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--ranks", type=at_least_one, default=2)
    parser.add_argument("--rounds", type=at_least_one, default=5)
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--batch", type=at_least_one, default=64)
    parser.add_argument("--images-per-subclass", type=at_least_one, default=20, help="of 18; nine in ten are trained on")
    return parser.parse_args()


def images_per_second(tern, folder, options, ranks, threads):
    """Of the second epoch."""
    (folder / "config.toml").write_text(f'backbone = "{options.backbone}"\nbatch_size = {options.batch}\n'
                                        'epochs = 2\ncifar = "none"\n')
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [tern, "train", "--quiet", "--config", folder / "config.toml", "--data", folder / "data", "--out",
                   pathlib.Path(out) / "run", "--device", "cpu", "--threads", str(threads)]
        subprocess.run(command + (["--ranks", str(ranks)] if ranks > 1 else []), check=True)
        with open(pathlib.Path(out) / "run/metrics.csv", newline="") as file:
            return float(list(csv.DictReader(file))[1]["images_per_second"])


def main():
    options = parse_options()
    tern = str(pathlib.Path(options.build) / "tern")
    sides = {"one process": (1, options.ranks), "ranks": (options.ranks, 1)}
    found = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([tern, "demo-data", "--quiet", "--out", folder / "data", "--images-per-subclass",
                        str(options.images_per_subclass)], check=True)
        for _ in range(options.rounds):
            for side, (ranks, threads) in sides.items():
                found[side].append(images_per_second(tern, folder, options, ranks, threads))
    print(f"{options.backbone}, batches of {options.batch}, {options.rounds} rounds\n\n"
          "| side | ranks x threads | images/s | noise % | ratio |\n|---|---|---|---|---|")
    ours = statistics.median(found["one process"])
    for side, (ranks, threads) in sides.items():
        median = statistics.median(found[side])
        print(f"| {side} | {ranks} x {threads} | {median:.1f} | {100 * (max(found[side]) / min(found[side]) - 1):.1f} | "
              f"{median / ours:.3f} |")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"compare_ranks: {error}")
