#!/usr/bin/env python3
"""Runs bench_step and its PyTorch peer in turn, on the same cores or GPU, and prints both sides as a Markdown table.

    benchmarks/compare_step.py [--build build] [--python python3 [--python OTHER]...] [--rounds 3] [--json FILE]
    benchmarks/compare_step.py --device cuda ...      the study's step and ImageNet's, eager and compiled

Each cell is the median over rounds of each round's median; the ratio is PyTorch's time over tern's (over 1: tern is
faster). Rounds alternate between the sides, so that a busy machine hurts both. A side that cannot run is left out.
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
# (network, work, batch, size, precision)
CPU_WORK = [(arch, mode, 64, 64, "fp32") for arch in ["resnet18", "resnet50"] for mode in ["train", "inference"]]
GPU_WORK = [("resnet50", "train", 64, 64, precision) for precision in ["fp32", "tf32", "bf16"]] + [
    ("resnet18", "train", 64, 64, "bf16"),
    ("resnet50", "train", 256, 224, "bf16"),
    ("resnet50", "inference", 256, 64, "bf16"),
    ("resnet50", "inference", 1, 224, "bf16"),
    ("resnet50", "inference", 256, 224, "bf16"),
]


def run(command):
    """The line of JSON that a side prints, or None with a word on stderr if it failed."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        print(f"{' '.join(command)}: {(result.stderr.strip().splitlines() or ['failed'])[-1]}", file=sys.stderr)
        return None
    return json.loads(result.stdout.strip().splitlines()[-1])


def device_name(device):
    if device == "cuda":
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def sides_of(options):
    """The command of each side, tern first; on a GPU each PyTorch also compiled."""
    sides = [[str(pathlib.Path(options.build) / "bench_step")]]
    for python in options.python or [sys.executable]:
        peer = [python, str(HERE / "peers" / "step.py")]
        sides += [peer] if options.device == "cpu" else [peer, peer + ["--compile"]]
    return sides


def measure(sides, work, options):
    """Rounds of every side in turn; a side that failed once is not asked again."""
    arch, mode, batch, size, precision = work
    flags = ["--arch", arch, "--mode", mode, "--batch", str(batch), "--size", str(size), "--precision", precision,
             "--device", options.device, "--threads", str(options.threads)]
    found = [[] for _ in sides]
    failed = set()
    for _ in range(options.rounds):
        for i, command in enumerate(sides):
            line = None if i in failed else run(command + flags)
            found[i] += [line] if line else []
            failed |= set() if line else {i}
    return found


def print_rows(work, found):
    arch, mode, batch, size, precision = work
    ours = statistics.median(line["median_ms"] for line in found[0]) if found[0] else None
    for side in filter(None, found):
        time = statistics.median(line["median_ms"] for line in side)
        ratio = f"{time / ours:.2f}" if ours and side is not found[0] else ""
        peak = max(line["peak_mib"] for line in side)
        print(f"| {arch} | {mode} | {batch} x {size} | {precision} | {side[0]['side']} | {time:.3g} | "
              f"{1000 * batch / time:.0f} | {ratio} | {peak:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--python", action="append", help="an interpreter with torch; repeatable")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--json", help="where to write every round")
    options = parser.parse_args()
    sides = sides_of(options)
    print(f"{device_name(options.device)}, {options.threads} threads, {options.rounds} rounds\n")
    print("| network | work | batch x size | precision | side | ms a step | images/s | ratio | peak MiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    rounds = []
    for work in GPU_WORK if options.device == "cuda" else CPU_WORK:
        found = measure(sides, work, options)
        rounds += sum(found, [])
        print_rows(work, found)
        if not found[0]:
            sys.exit("compare_step: bench_step failed")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rounds, indent=1) + "\n")


if __name__ == "__main__":
    main()
