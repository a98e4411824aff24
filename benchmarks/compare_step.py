#!/usr/bin/env python3
"""Runs bench_step and its PyTorch peer in turn, on the same cores or GPU, and prints both sides as a Markdown table.

    benchmarks/compare_step.py [--build build] [--python python3 [--python OTHER]...] [--rounds 1] [--mode inference] [--busy]
                               [--json FILE]
    benchmarks/compare_step.py --device cuda [--seconds N] ...      the study's step and ImageNet's

A round is every side of PyTorch (step.py) after tern and before tern again. Each cell is the median over rounds of each
round's median; "noise" is how far tern's own lie apart, and the ratio PyTorch's time over tern's (over 1: tern is
faster). On a CPU, inference has more peers where that Python has them: torch.compile with frozen weights, onnxruntime,
OpenVINO. --busy: beside a loop for each thread that never rests. What --seconds leave no time for is named. Without a
torch (that sees the GPU), tern's side is printed alone.
Fails if tern fails, or if PyTorch, where it is, does.
"""
import argparse
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys

from comparison import Budget, Peer, at_least_one, busy_loops, print_missing, run, seconds, writable, write_json

# (network, work, batch, size, precision)
ENGINES = ["eager", "frozen", "onnxruntime", "openvino"]
CPU_WORK = [
    (("resnet18", "train", 64, 64, "fp32"), ["eager"]),
    (("resnet50", "train", 64, 64, "fp32"), ["eager"]),
    (("resnet50", "train", 8, 224, "fp32"), ["eager"]),
    (("resnet18", "inference", 64, 64, "fp32"), ENGINES),
    (("resnet50", "inference", 64, 64, "fp32"), ENGINES),
    (("resnet50", "inference", 1, 224, "fp32"), ENGINES),
    (("resnet50", "inference", 8, 224, "fp32"), ENGINES),
]
STUDY = ("resnet50", "train", 64, 64, "bf16")
# What the goals are about comes first; compiled is the study's step alone, which takes as long as all else of a work.
GPU_WORK = [
    (STUDY, ["eager", "graph"]),
    (("resnet50", "train", 256, 224, "bf16"), ["eager", "graph"]),
    (("resnet50", "inference", 1, 224, "bf16"), ["eager", "graph"]),
    (("resnet50", "inference", 256, 224, "bf16"), ["eager", "graph"]),
    (STUDY, ["compile"]),
    (("resnet50", "train", 64, 64, "tf32"), ["eager", "graph"]),
    (("resnet50", "train", 64, 64, "fp32"), ["eager", "graph"]),
    (("resnet18", "train", 64, 64, "bf16"), ["eager", "graph"]),
    (("resnet50", "inference", 256, 64, "bf16"), ["eager", "graph"]),
]
COMPILE_SECONDS = 40  # of a training step, estimated: not begun with less left


def device_name(device):
    if device == "cuda":
        try:
            command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
            return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip()
        except OSError:
            return "a GPU without nvidia-smi"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def named(work):
    return dict(zip(("arch", "mode", "batch", "size", "precision"), work))


class Comparison:
    """Everything measured so far, on the way into a file after each work."""

    def __init__(self, options):
        self.options = options
        self.budget = Budget(options.seconds)
        self.peers = [Peer(python, "step.py", ["--device", options.device])
                      for python in options.python or [sys.executable]]
        self.results = {"device": device_name(options.device), "threads": options.threads, "rounds": options.rounds,
                        "busy": options.busy, "lines": [], "failed": [], "left_out": []}

    def measure(self, work, names):
        """The lines of each side, tern's first; names: of PyTorch's."""
        asked = named(work)
        with busy_loops(self.options.threads if self.options.busy else 0):
            sides = {"tern": self.lines_of_tern(asked)}
            for _ in range(self.options.rounds):
                for peer in self.peers:
                    for side in names if peer.absent is None else []:
                        line = self.line_of_peer(peer, side, asked)
                        if line:
                            sides.setdefault(line["side"], []).append(line)
                sides["tern"] += self.lines_of_tern(asked) if sides["tern"] else []  # what failed is not asked again
        self.results["lines"] += sum(sides.values(), [])
        write_json(self.options.json, self.results)
        return sides

    def lines_of_tern(self, asked):
        flags = {**asked, "device": self.options.device, "threads": self.options.threads}
        command = [str(pathlib.Path(self.options.build) / "bench_step")]
        output = run(command + [word for key, value in flags.items() for word in (f"--{key}", str(value))])
        if output is None:
            self.results["failed"].append({"side": "tern", **asked, "message": "see standard error"})
            return []
        return [json.loads(output.strip().splitlines()[-1])]

    def line_of_peer(self, peer, side, asked):
        row = {"side": f"PyTorch {peer.torch}, {side}", **asked}
        if self.budget.left() < (COMPILE_SECONDS if side == "compile" else 0):
            self.results["left_out"].append({**row, "why": "time is up"})
            return None
        line = peer.ask({**asked, "side": side, "threads": self.options.threads})
        if self.options.device == "cpu":
            peer.close()  # a process each, since the memory reported is the process's
        if "failed" in line:
            self.results["failed"].append({**row, "message": line["failed"]})
        return None if "failed" in line or "skipped" in line else line


def print_rows(work, sides):
    arch, mode, batch, size, precision = work
    medians = {side: [line["median_ms"] for line in lines] for side, lines in sides.items() if lines}
    ours = statistics.median(medians["tern"]) if "tern" in medians else None
    for side, of_rounds in medians.items():
        time = statistics.median(of_rounds)
        ratio = f"{time / ours:.2f}" if ours and side != "tern" else ""
        noise = f"{100 * (max(of_rounds) / min(of_rounds) - 1):.1f}" if len(of_rounds) > 1 else ""
        peaks = [line["peak_mib"] for line in sides[side] if line["peak_mib"] is not None]
        peak = f"{max(peaks):.0f}" if peaks else ""
        print(f"| {arch} | {mode} | {batch} x {size} | {precision} | {side} | {time:.3g} | {noise} | "
              f"{1000 * batch / time:.0f} | {ratio} | {peak} |", flush=True)


def name_of(row):
    return f"{row['side']}, {row['arch']} {row['mode']} {row['batch']} x {row['size']} {row['precision']}"


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--python", action="append", help="an interpreter with torch; repeatable")
    parser.add_argument("--rounds", type=at_least_one, default=1)
    parser.add_argument("--seconds", type=seconds, default=math.inf, help="after which nothing more is begun")
    parser.add_argument("--threads", type=at_least_one, default=os.cpu_count())
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--mode", choices=["train", "inference"], help="this kind of work alone")
    parser.add_argument("--busy", action="store_true", help="beside as many busy loops as threads")
    parser.add_argument("--json", type=writable, help="where to write every line")
    return parser.parse_args()


def main():
    options = parse_options()
    comparison = Comparison(options)
    results = comparison.results
    print(f"{results['device']}, {options.threads} threads, {options.rounds} rounds"
          + (", busy" if options.busy else ""))
    for peer in comparison.peers:
        print(f"PyTorch {peer.torch or 'not measured'}" + (f" ({peer.absent})" if peer.absent else ""))
    print("\n| network | work | batch x size | precision | side | ms a step | noise % | images/s | ratio | peak MiB |\n"
          "|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for work, names in GPU_WORK if options.device == "cuda" else CPU_WORK:
        if options.mode not in (None, named(work)["mode"]):
            continue
        if comparison.budget.left() < 0:
            results["left_out"].append({"side": "all", **named(work), "why": "time is up"})
        else:
            print_rows(work, comparison.measure(work, names))
    for peer in comparison.peers:
        peer.close()
    write_json(options.json, results)
    print_missing(results, name_of)
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
