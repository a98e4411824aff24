#!/usr/bin/env python3
"""The rows of bench_kernels in PyTorch: eager, compiled, and its own fused ways. JSON with the same keys.

    kernels.py --like ROWS.json [--json FILE] [--device cuda|cpu] [--seconds 0.04] [--compile-seconds 100]
    kernels.py --row softmax_forward 1024x1000 float32 ...

ROWS.json is what bench_kernels --json wrote: the same kernels, shapes and types are measured, by the same protocol
(benchmarks/kernels/harness.h): several slots of random inputs, four times the L2 cache read before each sample, work
issued to a stream and replayed as a CUDA graph. Once --compile-seconds are spent, no more rows are compiled.
On a CPU, where there are no graphs, it is a check of this program and no measurement.
"""
import argparse
import json
import math
import pathlib
import sys
import time

import torch

import kernel_rows

MOST_SLOTS = 64
MOST_CHECKED = 1 << 24  # elements of a row's inputs up to which it is compared with fp64


class Harness:
    def __init__(self, device, seconds):
        self.device = torch.device(device)
        self.seconds = seconds
        self.on_gpu = self.device.type == "cuda"
        self.stream = torch.cuda.Stream() if self.on_gpu else None
        properties = torch.cuda.get_device_properties(0) if self.on_gpu else None
        self.name = properties.name if self.on_gpu else "CPU"
        self.cache_bytes = getattr(properties, "L2_cache_size", 50 << 20) if self.on_gpu else 1 << 20
        self.flush = torch.ones(self.cache_bytes, dtype=torch.float32, device=self.device)  # four times the cache

    def slots(self, set_bytes):
        return min(max(math.ceil(4 * self.cache_bytes / max(set_bytes, 1)), 1), MOST_SLOTS if self.on_gpu else 2)

    def sample(self, work, runs, waits):
        """Median, p20 and p80 of microseconds a run; work() is `runs` of them."""
        times, begin = [], time.perf_counter()
        while len(times) < 5 or (len(times) < 100 and time.perf_counter() - begin < self.seconds):
            self.flush.sum()
            if self.on_gpu:
                start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                if waits:
                    self.stream.synchronize()
                start.record(self.stream)
                work()
                stop.record(self.stream)
                stop.synchronize()
                times.append(1000 * start.elapsed_time(stop) / runs)
            else:
                start = time.perf_counter()
                work()
                times.append(1e6 * (time.perf_counter() - start) / runs)
        times.sort()
        return [times[round(q * (len(times) - 1))] for q in (0.5, 0.2, 0.8)]

    def capture(self, work):
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            work()
        return graph

    def launches(self, work):
        """Kernels, copies and fills that work() issues; None if the profiler cannot tell."""
        if not self.on_gpu:
            return None
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            work()
            torch.cuda.synchronize()
        count = sum(1 for event in profile.events() if str(event.device_type).endswith("CUDA"))
        return count or None

    def measure(self, make, side, compiled):
        """The numbers of one row; make(slot) gives a slot's kernel_rows.Row."""
        first = make(0)
        slots = self.slots(first.bytes)
        rows = [first] + [make(slot) for slot in range(1, slots)]
        function = torch.compile(first.function) if compiled else first.function  # once for all slots
        runs = [row.prepare(function) for row in rows]
        for run in runs[:1] * 3 + runs:
            run()
        error = first.error(runs[0]) if first.elements <= MOST_CHECKED else None

        def work():
            for run in runs:
                run()

        result = {"side": side}
        self.put(result, "stream", self.sample(work, slots, True))
        if self.on_gpu and first.capturable:
            self.stream.synchronize()
            graph = self.capture(work)
            self.put(result, "graph", self.sample(graph.replay, slots, False))
        result["launches"] = self.launches(runs[0])
        result["largest_error"] = error
        return result

    @staticmethod
    def put(result, mode, times):
        for key, value in zip(("us", "p20_us", "p80_us"), times):
            result[f"{mode}_{key}"] = value


def sides_of(kernel):
    sides = [("eager", False)]
    if kernel in kernel_rows.OTHER_SIDES:
        sides.append((kernel_rows.OTHER_SIDES[kernel], False))
    if hasattr(torch, "compile") and kernel not in kernel_rows.NOT_COMPILED:
        sides.append(("compile", True))
    return sides


def measure_rows(harness, rows, compile_seconds):
    measured, spent = [], 0.0
    for row in rows:
        for side, compiled in sides_of(row["kernel"]):
            if compiled and spent > compile_seconds:
                continue
            begin = time.perf_counter()
            try:
                if compiled:
                    torch._dynamo.reset()
                make = kernel_rows.maker(row["kernel"], row["shape"], row["dtype"], side, harness.device)
                result = harness.measure(make, side, compiled)
            except (RuntimeError, NotImplementedError) as error:  # what does not fit, or PyTorch cannot do
                print(f"{row['kernel']} {row['shape']} {row['dtype']} {side}: {str(error).splitlines()[0]}",
                      file=sys.stderr)
                continue
            finally:
                if compiled:
                    spent += time.perf_counter() - begin
            keys = {key: row[key] for key in ("kernel", "shape", "dtype")}
            measured.append({"side": result.pop("side"), **keys, **result})
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--like", type=pathlib.Path, help="what bench_kernels --json wrote")
    parser.add_argument("--row", nargs=3, action="append", metavar=("KERNEL", "SHAPE", "DTYPE"), default=[])
    parser.add_argument("--json", type=pathlib.Path, help="where to write; standard output if missing")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--seconds", type=float, default=0.04, help="for each of a row's timings")
    parser.add_argument("--compile-seconds", type=float, default=100, help="for all compiled rows")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit(f"kernels.py: PyTorch {torch.__version__} sees no GPU (--device cpu checks the program itself)")
    rows = [dict(zip(("kernel", "shape", "dtype"), row)) for row in options.row]
    if options.like:
        rows += json.loads(options.like.read_text())["rows"]

    torch.manual_seed(1)
    harness = Harness(options.device, options.seconds)
    if harness.on_gpu:
        with torch.cuda.stream(harness.stream):
            measured = measure_rows(harness, rows, options.compile_seconds)
    else:
        measured = measure_rows(harness, rows, options.compile_seconds)
    text = json.dumps({"device": {"name": harness.name, "torch": torch.__version__}, "rows": measured}, indent=1)
    if options.json:
        options.json.write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
