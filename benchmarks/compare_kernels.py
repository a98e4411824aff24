#!/usr/bin/env python3
"""Runs bench_kernels and its PyTorch peer in turn, kernel by kernel, and prints both sides as Markdown tables.

    benchmarks/compare_kernels.py [--build build-gpu] [--python PYTHON] [--seconds N] [--full] [--side-by-side]
                                  [--json FILE] [KERNEL...]

A ratio is another side's time over that of the line: over 1, the line's is faster. Kernels from outside (TERN_BENCH_SOURCES,
docs/benchmarks.md) have lines of their own, below tern's. Every row is printed, whichever side is faster, and so are those
left out when --seconds were over. Without a torch that sees the GPU, these sides are printed alone. Fails if a row of theirs
fails or differs from its reference, or if PyTorch, where it is, fails.
"""
import argparse
import json
import math
import pathlib
import statistics
import sys
import tempfile

from comparison import Budget, Peer, print_missing, run, seconds, writable, write_json

# Shares of the time: about the seconds that both sides were estimated to need on an H200. Those that a training step spends
# most of its time in, beside convolutions, come first: what is left out is left out at the end. What the program has beside
# these gets OTHER_SHARE.
SHARES = {"batch_norm": 30, "elementwise": 5, "optimizer_step": 13, "max_pool": 6,
          "cross_entropy": 15, "softmax": 50, "hierarchical_kl": 13, "cosine_head": 26, "augment": 11,
          "global_average_pool": 2, "top1": 8, "l2_normalize": 4, "relu": 3, "bias": 3, "sum": 3, "transpose": 2,
          "fold_batch_norm": 2}
OTHER_SHARE = 5
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
        self.timing = ["--timing-seconds", str(options.timing_seconds), "--precision", str(options.precision)]
        self.peer = Peer(options.python, "kernels.py", ["--device", options.peer_device, *self.timing,
                                                         *(f"--rows={file}" for file in options.peer_rows)])
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
            command = [str(program_of(self.options)), kernel, "--json", str(file), *self.timing]
            command += ["--full"] if self.options.full else []
            command += ["--side-by-side"] if self.options.side_by_side else []
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

        once = {key_of(row): row for row in rows}.values()  # whichever sides have it
        for row in sorted(once, key=is_headline, reverse=True):  # stable: else in tern's order
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


def error_of(row):
    """The larger of the two comparisons; None where there was none, or where it was no number."""
    errors = [row[key] for key in ("largest_error", "largest_error_after") if key in row]
    return None if None in errors else max(errors)


def peer_cells(peer, mode, ours):
    """A side's time in this mode and what belongs to it, or nothing."""
    theirs = peer.get(f"{mode}_us")
    if theirs is None:
        return [""] * 4
    return [f"{theirs:.2f}", f"{theirs / ours:.2f}", number(peer["launches"], "d"), number(error_of(peer), ".1e")]


def side_by_side(rows):
    """The rows of one kernel, shape and type behind one another, tern's first."""
    place = {}
    for row in rows:
        place.setdefault(key_of(row), len(place))
    return sorted(rows, key=lambda row: (place[key_of(row)], row["side"] != "tern"))


def table(rows, peers, mode, copy_rate):
    """A line for each of the rows, with PyTorch's eager side and the other one that it has, if any."""
    head = ["kernel", "shape", "type", "side", "us", "p20", "p80", "samples", "GB/s", "% of copy", "launches", "error",
            "tern's ratio", "eager us", "ratio", "launches", "error", "other side", "us", "ratio", "launches", "error"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    of_tern = {key_of(row): row[f"{mode}_us"] for row in rows if row["side"] == "tern"}
    for row in side_by_side(rows):
        time = row[f"{mode}_us"]
        rate = row["ideal_bytes"] / time / 1000
        theirs = dict(peers.get(key_of(row), {}))
        eager = theirs.pop("eager", {})
        name, other = next(iter(theirs.items()), ("", {}))
        dropped = row[f"{mode}_dropped"]
        to_tern = of_tern.get(key_of(row)) if row["side"] != "tern" else None
        lines.append("| " + " | ".join([
            *key_of(row), row["side"], f"{time:.2f}" + (" HELD DOWN" if row.get("held_down") else ""),
            f"{row[f'{mode}_p20_us']:.2f}", f"{row[f'{mode}_p80_us']:.2f}",
            str(row[f"{mode}_samples"]) + (f", {dropped} dropped" if dropped else ""),
            f"{rate:.0f}", f"{100 * rate / copy_rate:.1f}", str(row["launches"]),
            number(error_of(row), ".1e") + (" WRONG" if row["wrong"] else ""), number(to_tern and to_tern / time, ".2f"),
            *peer_cells(eager, mode, time), name, *peer_cells(other, mode, time)]) + " |")
    return "\n".join(lines)


def clocks_of(results):
    """A sentence on what the samples were taken under."""
    device, dropped = results["device"], {}
    if device["clocks"] != "watched":
        return f"clocks {device['clocks']}"
    for row in results["rows"]:
        for why, count in row["dropped"].items():
            dropped[why] = dropped.get(why, 0) + count
    told = ", ".join(f"{why} {count}" for why, count in sorted(dropped.items())) or "none"
    held_down = sum(1 for row in results["rows"] if row.get("held_down"))
    return (f"SMs at {device['sm_mhz']} MHz of {device['highest_sm_mhz']}, memory at {device['memory_mhz']} MHz; samples "
            f"dropped under lower clocks: {told}" + (f"; HELD DOWN throughout: {held_down} rows" if held_down else ""))


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
              f"graphs, timed twice, differ by {statistics.median(noise):.1f} % in the median and "
              f"{max(noise):.1f} % at most; {clocks_of(results)}")
        for mode, title in [("stream", "Issued to a stream"), ("graph", "Replayed as a graph")]:
            print(f"\n### {title}\n\n{table(results['rows'], peers, mode, device['copy_gb_per_s'])}")
    print_missing(results, lambda row: f"{row['side']} {row['kernel']} {row['shape']} {row['dtype']}")


def program_of(options):
    return pathlib.Path(options.build) / "bench_kernels"


def families(program):
    """What the program can measure."""
    listed = run([str(program), "--list"])
    return None if listed is None else list(dict.fromkeys(line.split("\t")[0] for line in listed.splitlines()))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="as BUILD/bench_kernels --list names them")
    parser.add_argument("--build", default="build-gpu")
    parser.add_argument("--python", default=sys.executable, help="an interpreter with torch")
    parser.add_argument("--peer-device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--peer-rows", action="append", default=[], metavar="FILE.py",
                        help="PyTorch's form of kernels that benchmarks/peers/kernel_rows.py does not know")
    parser.add_argument("--full", action="store_true", help="every shape of the sweeps")
    parser.add_argument("--side-by-side", action="store_true",
                        help="of tern's rows only those that a kernel from outside has, too")
    parser.add_argument("--seconds", type=seconds, default=math.inf, help="after which nothing more is begun")
    parser.add_argument("--timing-seconds", type=seconds, default=0.025, help="for each of a row's timings, at most")
    parser.add_argument("--precision", type=seconds, default=0.5, metavar="PERCENT",
                        help="of a median, half of its interval's width, at which its timing ends before that")
    parser.add_argument("--json", type=writable, help="where to write every number")
    options = parser.parse_args()
    known = families(program_of(options))
    if known is None:
        sys.exit(1)
    unknown = set(options.kernels) - set(known)
    if unknown:
        parser.error(f"wanted kernels of {', '.join(known)}, got {', '.join(sorted(unknown))}")
    # The order of SHARES is that of importance, should time run out.
    options.kernels = options.kernels or [*(kernel for kernel in SHARES if kernel in known),
                                          *(kernel for kernel in known if kernel not in SHARES)]
    return options


def main():
    options = parse_options()
    comparison = Comparison(options)
    shares = {kernel: SHARES.get(kernel, OTHER_SHARE) for kernel in options.kernels}
    while shares:  # what a kernel leaves of its time is the others'
        total = sum(shares.values())
        kernel = next(iter(shares))
        comparison.measure(kernel, comparison.budget.share(shares.pop(kernel) / total))
    comparison.peer.close()
    report(comparison.results)
    return 0 if comparison.right else 1


if __name__ == "__main__":
    sys.exit(main())
