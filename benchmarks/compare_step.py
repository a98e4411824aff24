#!/usr/bin/env python3
"""Runs bench_step and its PyTorch peer in turn, on the same cores, and prints both sides as a Markdown table.

    benchmarks/compare_step.py [--build build] [--python python3 [--python OTHER]...] [--rounds 3] [--json FILE]

Each cell is the median over rounds of each round's median; the ratio is PyTorch's time over tern's (over 1: tern is
faster). Rounds alternate between the sides, so that a busy machine hurts both.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def run(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(result.stdout.strip().splitlines()[-1])


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--python", action="append", help="an interpreter with torch; repeatable")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--arch", action="append")
    parser.add_argument("--mode", action="append")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--json", help="where to write every round")
    options = parser.parse_args()
    sides = [[str(pathlib.Path(options.build) / "bench_step")]]
    sides += [[python, str(HERE / "peers" / "step.py")] for python in options.python or [sys.executable]]

    rounds = []
    print(f"{cpu_name()}, {options.threads} threads, batch {options.batch}, {options.size}x{options.size}, "
          f"{options.rounds} rounds\n")
    print("| network | work | side | ms a step | images/s | ratio | peak MiB |\n|---|---|---|---|---|---|---|")
    for arch in options.arch or ["resnet18", "resnet50"]:
        for mode in options.mode or ["train", "inference"]:
            work = ["--arch", arch, "--mode", mode, "--batch", str(options.batch), "--size", str(options.size),
                    "--threads", str(options.threads)]
            found = [[] for _ in sides]
            for _ in range(options.rounds):
                for side, command in zip(found, sides):
                    side.append(run(command + work))
            rounds += sum(found, [])
            ours = statistics.median(line["median_ms"] for line in found[0])
            for side in found:
                time = statistics.median(line["median_ms"] for line in side)
                ratio = "" if side is found[0] else f"{time / ours:.2f}"
                peak = max(line["peak_mib"] for line in side)
                print(f"| {arch} | {mode} | {side[0]['side']} | {time:.0f} | {1000 * options.batch / time:.0f} | "
                      f"{ratio} | {peak:.0f} |", flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rounds, indent=1) + "\n")


if __name__ == "__main__":
    main()
