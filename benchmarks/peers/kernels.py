#!/usr/bin/env python3
"""The rows of bench_kernels in PyTorch: eager, compiled, and its own fused ways. A line of JSON each.

    kernels.py --row softmax_forward 1024x1000 float32 --side compile      one row
    kernels.py --serve              one for each line of JSON read, {"kernel":, "shape":, "dtype":, "side":}

Sides: eager, compile, fused (Adam), torchvision (augmentation). Measured by the protocol of bench_kernels
(benchmarks/kernels/harness.h): several slots of random inputs, four times the L2 cache read before each sample (eight before
a replay), work issued to a stream and replayed as a CUDA graph, as many samples as sampling.py says, outputs compared with
fp64 before and after. On a CPU, where there are no graphs, it is a check of this program and
no measurement.
"""
import argparse
import ctypes
import json
import math
import runpy
import sys
import time

import torch

import kernel_rows
import sampling
import serving

MOST_SLOTS = 64
MOST_CHECKED = 1 << 22  # elements of a row's inputs up to which it is compared with fp64
WAKING_SECONDS = 0.01  # of work before a row is timed
FLUSHES_BEFORE_REPLAY = 2  # the second hides how long the launch of a graph takes


def clocks_of(properties):
    """What watches the clocks of a GPU, or None with a word on standard error."""
    try:
        return sampling.Nvml(f"{properties.pci_domain_id:04x}:{properties.pci_bus_id:02x}:"
                             f"{properties.pci_device_id:02x}.0")
    except (OSError, AttributeError) as error:
        print(f"PyTorch's side: clocks are not watched: {error}", file=sys.stderr)
        return None


class Harness:
    def __init__(self, device, seconds, precision):
        self.device = torch.device(device)
        self.seconds, self.precision = seconds, precision
        self.on_gpu = self.device.type == "cuda"
        self.stream = torch.cuda.Stream() if self.on_gpu else None
        properties = torch.cuda.get_device_properties(0) if self.on_gpu else None
        self.sampler = sampling.Sampler(clocks_of(properties) if self.on_gpu else None)
        self.cache_bytes = getattr(properties, "L2_cache_size", 50 << 20) if self.on_gpu else 1 << 20
        self.flush = torch.ones(self.cache_bytes, dtype=torch.float32, device=self.device)  # four times the cache

    def slots(self, row):
        return min(max(math.ceil(4 * self.cache_bytes / max(row.bytes, 1)), 1), row.most_slots,
                   MOST_SLOTS if self.on_gpu else 2)

    def sample(self, work, runs, waits):
        """The numbers of microseconds a run; work() is `runs` of them."""
        return self.sampler.sample(lambda: self.microseconds(work, waits) / runs, self.seconds, self.precision)

    def microseconds(self, work, waits):
        for _ in range(1 if waits else FLUSHES_BEFORE_REPLAY):
            self.flush.sum()
        if not self.on_gpu:
            begin = time.perf_counter()
            work()
            return 1e6 * (time.perf_counter() - begin)
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        if waits:
            self.stream.synchronize()
        start.record(self.stream)
        work()
        stop.record(self.stream)
        stop.synchronize()
        return 1000 * start.elapsed_time(stop)

    def capture(self, work):
        self.stream.synchronize()
        try:
            graph = torch.cuda.CUDAGraph(keep_graph=True)  # for launches()
        except TypeError:  # a PyTorch before 2.8
            graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            outputs = work()  # alive until the end, for each slot to have its own
        graph.replay()  # the first instantiates what was kept
        return graph

    @staticmethod
    def launches(graph):
        """Kernels, copies and fills of a graph, counted as for tern's; None if PyTorch does not give it away."""
        if not hasattr(graph, "raw_cuda_graph"):
            return None
        count = ctypes.c_size_t()
        driver = ctypes.CDLL("libcuda.so.1")
        status = driver.cuGraphGetNodes(ctypes.c_void_p(graph.raw_cuda_graph()), None, ctypes.byref(count))
        return count.value if status == 0 else None

    def measure(self, make, compiled):
        """The numbers of one row; make(slot) gives a slot's kernel_rows.Row."""
        first = make(0)
        rows = [first] + [make(slot) for slot in range(1, self.slots(first))]
        # Once for all slots, and for these shapes alone.
        function = torch.compile(first.function, dynamic=False) if compiled else first.function
        runs = [row.prepare(function) for row in rows]
        for run in runs[:1] * 3 + runs:
            run()
        begin = time.perf_counter()
        while self.on_gpu and time.perf_counter() - begin < WAKING_SECONDS:
            runs[0]()
            self.stream.synchronize()
        is_compared = first.elements <= MOST_CHECKED
        result = {"largest_error": first.error(runs[0]) if is_compared else None, "launches": None}
        self.put(result, "stream", self.sample(lambda: [run() for run in runs], len(runs), True))
        if self.on_gpu and first.capturable:
            captured = [row.for_graph(run) for row, run in zip(rows, runs)]
            for run in captured:
                run()
            graph = self.capture(lambda: [run() for run in captured])
            self.put(result, "graph", self.sample(graph.replay, len(runs), False))
            launches = self.launches(graph)
            result["launches"] = launches and launches // len(runs)
        if is_compared:
            result["largest_error_after"] = first.error(runs[0])
        return result

    @staticmethod
    def put(result, mode, numbers):
        for key, value in numbers.items():
            result[f"{mode}_{key}"] = value

    def answer(self, row):
        """The row with its numbers. Frees what the last one took, so that tern's side finds its memory."""
        compiled = row["side"] == "compile"
        if compiled and not hasattr(torch, "compile"):
            raise NotImplementedError("no torch.compile")
        if compiled:
            torch._dynamo.reset()  # shapes that differ would become one dynamic one
        make = kernel_rows.maker(row["kernel"], row["shape"], row["dtype"], row["side"], self.device)
        try:
            if not self.on_gpu:
                return {**row, **self.measure(make, compiled)}
            with torch.cuda.stream(self.stream):
                return {**row, **self.measure(make, compiled)}
        finally:
            if self.on_gpu:
                torch.cuda.empty_cache()


def allow_repeated_backward():
    """A compiled backward would else reuse the memory of what forward saved, and run once only."""
    try:
        import torch._functorch.config as functorch
        functorch.donated_buffer = False
    except (ImportError, AttributeError):  # a PyTorch without torch.compile, or before buffers were donated
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", nargs=3, action="append", metavar=("KERNEL", "SHAPE", "DTYPE"), default=[])
    parser.add_argument("--side", choices=["eager", "compile", "fused", "torchvision"], default="eager")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--rows", action="append", default=[], metavar="FILE.py",
                        help="a source with MAKERS of its own, as kernel_rows.py has them")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--timing-seconds", type=float, default=0.04, help="for each of a row's timings, at most")
    parser.add_argument("--precision", type=float, default=0.5,
                        help="percent of a median, half of its interval's width, at which its timing ends before that")
    options = parser.parse_args()
    for file in options.rows:
        kernel_rows.MAKERS.update(runpy.run_path(file)["MAKERS"])
    torch.manual_seed(1)
    serving.allow_tf32(False)
    allow_repeated_backward()

    def make_answer():
        return Harness(options.device, options.timing_seconds, options.precision).answer

    if options.serve:
        return serving.serve(options.device, make_answer)
    for kernel, shape, dtype in options.row:
        row = {"kernel": kernel, "shape": shape, "dtype": dtype, "side": options.side}
        print(json.dumps(make_answer()(row)))


if __name__ == "__main__":
    main()
