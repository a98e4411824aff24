#!/usr/bin/env python3
"""Runs bench_kernels and its PyTorch peer in turn, kernel by kernel, and prints both sides as Markdown tables.

    benchmarks/compare_kernels.py [--build build-gpu] [--python PYTHON] [--seconds N] [--full] [--json FILE] [KERNEL...]

A ratio is PyTorch's time over tern's: over 1, tern is faster. Every row is printed, whichever side is, and so are those
left out when --seconds were over. Without a torch that sees the GPU, tern's side is printed alone. Fails if a row of
tern's fails or differs from its reference, or if PyTorch, where it is, fails.
"""
import argparse
import json
import math
import pathlib
import statistics
import sys
import tempfile

from comparison import Budget, Peer, print_missing, run, seconds, writable, write_json

# Each with its share of the time: about the seconds that both sides were estimated to need on an H200. Those that a training
# step spends most of its time in, beside convolutions, come first: what is left out is left out at the end.
KERNELS = {"batch_norm": 30, "elementwise": 5, "optimizer_step": 13, "max_pool": 6,
           "cross_entropy": 15, "softmax": 50, "hierarchical_kl": 13, "cosine_head": 26, "augment": 11,
           "global_average_pool": 2, "top1": 8, "l2_normalize": 4, "relu": 3, "bias": 3, "sum": 3, "transpose": 2,
           "fold_batch_norm": 2}
TERN_SHARE = 0.7  # of a kernel's time, at most
# What a kernel is compared with beside eager mode; others with torch.compile.
OTHER_SIDES = {"adam_step": "fused", "augment": "torchvision"}
# A row takes a second or two to compile: these, which the goals are about, are measured first, and compiled in one
# type.
COMPILED_TYPE = "bfloat16"
COMPILED = {
    "softmax_forward": ["65536x4096", "65536x1024", "262144x256", "1024x262144"],
    "softmax_backward": ["65536x4096"],
    "log_softmax_forward": ["65536x4096"],
    "log_softmax_backward": ["65536x4096"],
    "cross_entropy": ["65536x4096", "1024x262144", "64x88"],
    "hierarchical_kl": ["65536x4+88", "1024x100+1000", "64x4+88"],
    "cosine_head_forward": ["65536x1000x512", "1024x1000x2048", "64x88x2048"],
    "cosine_head_backward": ["65536x1000x512", "1024x1000x2048", "64x88x2048"],
    "batch_norm_training_add_relu": ["256x56x56x256"],
    "batch_norm_backward_add_relu": ["256x56x56x256"],
}


def key_of(row):
    return row["kernel"], row["shape"], row["dtype"]


class Comparison:
    """Everything measured so far, on the way into a file after each kernel."""

    def __init__(self, options):
        self.options = options
        self.budget = Budget(options.seconds)
        self.timing = ["--timing-seconds", str(options.timing_seconds)]
        self.peer = Peer(options.python, "kernels.py", ["--device", options.peer_device, *self.timing])
        self.results = {"device": None, "torch": self.peer.torch, "absent": self.peer.absent,
                        "rows": [], "peer_rows": [], "failed": [], "left_out": []}
        self.right = True

    def measure(self, kernel, budget):
        rows = self.measure_ours(kernel, budget.left() * TERN_SHARE)
        if self.peer.absent is None:
            self.measure_peer(rows, budget)
        write_json(self.options.json, self.results)

    def measure_ours(self, kernel, seconds):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "rows.json"
            program = pathlib.Path(self.options.build) / "bench_kernels"
            command = [str(program), kernel, "--json", str(file), *self.timing]
            command += ["--full"] if self.options.full else []
            command += ["--seconds", f"{max(seconds, 0.001):.3f}"] if math.isfinite(seconds) else []
            self.right &= run(command) is not None
            if not file.exists():
                self.results["failed"].append({"side": "tern", "kernel": kernel, "shape": "every shape", "dtype": "",
                                               "message": "measured nothing"})
                return []
            measured = json.loads(file.read_text())
        self.results["device"] = self.results["device"] or measured["device"]
        for part in ("rows", "failed", "left_out"):
            self.results[part] += measured[part]
        return measured["rows"]

    def measure_peer(self, rows, budget):
        def is_headline(row):
            return row["shape"] in COMPILED.get(row["kernel"], [])

        for row in sorted(rows, key=is_headline, reverse=True):  # stable: else in tern's order
            sides = ["eager"] + ["compile"] * (is_headline(row) and row["dtype"] == COMPILED_TYPE)
            sides += [OTHER_SIDES[row["kernel"]]] if row["kernel"] in OTHER_SIDES else []
            for side in sides if self.peer.absent is None else []:
                request = {"side": side, **dict(zip(("kernel", "shape", "dtype"), key_of(row)))}
                if budget.left() < 0:
                    self.results["left_out"].append({**request, "why": "time is up"})
                    continue
                answer = self.peer.ask(request)
                if "failed" in answer:
                    self.results["failed"].append({**request, "message": answer["failed"]})
                    self.right = False
                elif "skipped" not in answer:
                    self.results["peer_rows"].append(answer)


def number(value, form):
    return "" if value is None else format(value, form)


def peer_cells(peer, mode, ours):
    """A side's time in this mode and what belongs to it, or nothing."""
    theirs = peer.get(f"{mode}_us")
    if theirs is None:
        return [""] * 4
    return [f"{theirs:.2f}", f"{theirs / ours:.2f}", number(peer["launches"], "d"),
            number(peer["largest_error"], ".1e")]


def table(ours, peers, mode, copy_rate):
    """A line for each of our rows, with PyTorch's eager side and the other one that it has, if any."""
    head = ["kernel", "shape", "type", "tern us", "p20", "p80", "GB/s", "% of copy", "launches", "error",
            "eager us", "ratio", "launches", "error", "other side", "us", "ratio", "launches", "error"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in ours:
        time = row[f"{mode}_us"]
        rate = row["ideal_bytes"] / time / 1000
        theirs = dict(peers.get(key_of(row), {}))
        eager = theirs.pop("eager", {})
        name, other = next(iter(theirs.items()), ("", {}))
        lines.append("| " + " | ".join([
            *key_of(row), f"{time:.2f}", f"{row[f'{mode}_p20_us']:.2f}", f"{row[f'{mode}_p80_us']:.2f}",
            f"{rate:.0f}", f"{100 * rate / copy_rate:.1f}", str(row["launches"]),
            number(row["largest_error"], ".1e") + (" WRONG" if row["wrong"] else ""),
            *peer_cells(eager, mode, time), name, *peer_cells(other, mode, time)]) + " |")
    return "\n".join(lines)


def report(results):
    device = results["device"]
    peers = {}
    for row in results["peer_rows"]:
        peers.setdefault(key_of(row), {})[row["side"]] = row
    torch = results["torch"] or f"not measured ({results['absent'] or 'it failed'})"
    print(f"PyTorch {torch}")
    if results["rows"]:
        noise = [row["noise_percent"] for row in results["rows"]]
        print(f"{device['name']}: copy {device['copy_gb_per_s']:.0f} GB/s, an empty kernel "
              f"{device['empty_stream_us']:.2f} us from a stream and {device['empty_graph_us']:.2f} us in a graph; "
              f"tern's graphs, timed twice, differ by {statistics.median(noise):.1f} % in the median and "
              f"{max(noise):.1f} % at most")
        for mode, title in [("stream", "Issued to a stream"), ("graph", "Replayed as a graph")]:
            print(f"\n### {title}\n\n{table(results['rows'], peers, mode, device['copy_gb_per_s'])}")
    print_missing(results, lambda row: f"{row['side']} {row['kernel']} {row['shape']} {row['dtype']}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=", ".join(KERNELS))
    parser.add_argument("--build", default="build-gpu")
    parser.add_argument("--python", default=sys.executable, help="an interpreter with torch")
    parser.add_argument("--peer-device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--full", action="store_true", help="every shape of the sweeps")
    parser.add_argument("--seconds", type=seconds, default=math.inf, help="after which nothing more is begun")
    parser.add_argument("--timing-seconds", type=seconds, default=0.025, help="for each of a row's timings")
    parser.add_argument("--json", type=writable, help="where to write every number")
    options = parser.parse_args()
    unknown = set(options.kernels) - set(KERNELS)
    if unknown:
        parser.error(f"wanted kernels of {', '.join(KERNELS)}, got {', '.join(sorted(unknown))}")
    return options


def main():
    options = parse_options()
    comparison = Comparison(options)
    shares = {kernel: KERNELS[kernel] for kernel in options.kernels or KERNELS}
    while shares:  # what a kernel leaves of its time is the others'
        total = sum(shares.values())
        kernel = next(iter(shares))
        comparison.measure(kernel, comparison.budget.share(shares.pop(kernel) / total))
    comparison.peer.close()
    report(comparison.results)
    return 0 if comparison.right else 1


if __name__ == "__main__":
    sys.exit(main())
