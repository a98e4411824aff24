#!/usr/bin/env python3
"""Runs bench_kernels and its PyTorch peer in turn, kernel by kernel, and prints both sides as Markdown tables.

    benchmarks/compare_kernels.py [--build build-gpu] [--python PYTHON] [--full] [--json FILE] [KERNEL...]

A ratio is PyTorch's time over tern's: over 1, tern is faster. Every row is printed, whichever side is. Without an
interpreter whose torch sees the GPU, tern's side is printed alone. Fails if a row of tern's differs from its reference.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = ["softmax", "cross_entropy", "hierarchical_kl", "cosine_head", "top1", "batch_norm", "pool", "augment",
           "optimizer_step"]
PEERS = ["eager", "compile", "fused", "torchvision"]


def run_ours(options, kernel, json_file):
    command = [str(pathlib.Path(options.build) / "bench_kernels"), kernel, "--seconds", str(options.seconds),
               "--json", str(json_file)] + (["--full"] if options.full else [])
    status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    if not json_file.exists():
        sys.exit(f"compare_kernels: {command[0]} {kernel} measured nothing")
    return status == 0


def run_peer(options, json_file, like):
    command = [options.python, str(HERE / "peers" / "kernels.py"), "--like", str(like), "--json", str(json_file),
               "--device", options.peer_device, "--seconds", str(options.seconds),
               "--compile-seconds", str(options.compile_seconds / len(options.kernels))]
    try:
        return subprocess.run(command).returncode == 0
    except OSError as error:
        print(f"compare_kernels: {options.python}: {error.strerror}", file=sys.stderr)
        return False


def key_of(row):
    return row["kernel"], row["shape"], row["dtype"]


def number(value, form):
    return "" if value is None else format(value, form)


def table(ours, peers, mode, copy_rate):
    """A line for each of our rows, with every peer's time and ratio in this mode."""
    sides = [side for side in PEERS if any(side in found for found in peers.values())]
    head = ["kernel", "shape", "type", "tern us", "p20", "p80", "GB/s", "% of copy", "launches", "error"]
    for side in sides:
        head += [f"{side} us", "ratio", "launches", "error"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in ours:
        time = row[f"{mode}_us"]
        rate = row["ideal_bytes"] / time / 1000
        cells = [*key_of(row), f"{time:.2f}", f"{row[f'{mode}_p20_us']:.2f}", f"{row[f'{mode}_p80_us']:.2f}",
                 f"{rate:.0f}", f"{100 * rate / copy_rate:.1f}", str(row["launches"]),
                 number(row["largest_error"], ".1e") + (" WRONG" if row["wrong"] else "")]
        for side in sides:
            peer = peers.get(key_of(row), {}).get(side, {})
            theirs = peer.get(f"{mode}_us")
            cells += [number(theirs, ".2f"), number(theirs and theirs / time, ".2f"),
                      number(peer.get("launches") if theirs else None, "d"),
                      number(peer.get("largest_error") if theirs else None, ".1e")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def report(results):
    device = results["device"]
    peers = {}
    for row in results["peer_rows"]:
        peers.setdefault(key_of(row), {})[row["side"]] = row
    print(f"{device['name']}: copy {device['copy_gb_per_s']:.0f} GB/s, an empty kernel "
          f"{device['empty_stream_us']:.2f} us from a stream and {device['empty_graph_us']:.2f} us in a graph; "
          f"PyTorch {results['torch'] or 'not measured'}")
    for mode, title in [("stream", "Issued to a stream"), ("graph", "Replayed as a graph")]:
        print(f"\n### {title}\n\n{table(results['rows'], peers, mode, device['copy_gb_per_s'])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=", ".join(KERNELS))
    parser.add_argument("--build", default="build-gpu")
    parser.add_argument("--python", default=sys.executable, help="an interpreter with torch")
    parser.add_argument("--peer-device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--full", action="store_true", help="every shape of the sweeps")
    parser.add_argument("--seconds", type=float, default=0.04, help="for each of a row's timings")
    parser.add_argument("--compile-seconds", type=float, default=100, help="for all rows of torch.compile")
    parser.add_argument("--json", type=pathlib.Path, help="where to write every number")
    options = parser.parse_args()
    unknown = set(options.kernels) - set(KERNELS)
    if unknown:
        parser.error(f"wanted kernels of {', '.join(KERNELS)}, got {', '.join(sorted(unknown))}")
    options.kernels = options.kernels or KERNELS

    results = {"device": None, "torch": None, "rows": [], "peer_rows": []}
    right, has_peer = True, True
    with tempfile.TemporaryDirectory() as folder:
        for kernel in options.kernels:
            ours, theirs = (pathlib.Path(folder) / f"{kernel}.{side}.json" for side in ("tern", "peer"))
            right = run_ours(options, kernel, ours) and right
            measured = json.loads(ours.read_text())
            results["device"] = results["device"] or measured["device"]
            results["rows"] += measured["rows"]
            has_peer = has_peer and run_peer(options, theirs, ours)
            if has_peer:
                measured = json.loads(theirs.read_text())
                results["torch"] = measured["device"]["torch"]
                results["peer_rows"] += measured["rows"]
    report(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
