#!/usr/bin/env python3
"""The work of benchmarks/bench_step.cpp in PyTorch, channels-last: one line of JSON with the same keys.

    step.py --arch resnet50 --mode train --batch 64 --size 64 --threads 2 --repeats 10
    step.py --device cuda --precision bf16 --side compile ...
    step.py --serve --device cuda       one for each line of JSON read, the same options by name

Sides: eager; graph, the whole step recorded as a CUDA graph and replayed; compile, torch.compile with
mode="reduce-overhead", which replays CUDA graphs, too; for inference on a CPU the engines of engines.py. For bf16,
training is under autocast, and inference has weights and images in bf16. Adam is fused on a GPU. Batch norm is not folded
in eager: that is tern's doing, and the engines'.
"""
import argparse
import gc
import json
import resource
import time

import torch
import torchvision

import engines
import serving

WARM_UPS = 4  # among which it is compiled or recorded
# On a GPU, whose clocks rise under load and whose steps may take a millisecond, at least so long; as bench_step.cpp.
WARM_UP_SECONDS, MEASURED_SECONDS = 0.5, 1


def milliseconds(fewest, seconds, work):
    """Of each work(), done `fewest` times, and again until all took `seconds`."""
    times, total = [], 0
    while len(times) < fewest or total < 1000 * seconds:
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
        total += times[-1]
    return times


def compiled(function):
    """Its CUDA graphs keep their outputs until a new step is announced."""
    inner = torch.compile(function, mode="reduce-overhead", dynamic=False)

    def call(*arguments):
        torch.compiler.cudagraph_mark_step_begin()
        return inner(*arguments)

    return call


def recorded(function, *batch):
    """Replays function(*batch) on a batch that is copied to where it was recorded."""
    inputs = [tensor.clone() for tensor in batch]
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(stream):
        for _ in range(3):
            function(*inputs)
        with torch.cuda.graph(graph, stream=stream):
            output = function(*inputs)
    torch.cuda.current_stream().wait_stream(stream)

    def replay(*arguments):
        for to, tensor in zip(inputs, arguments):
            to.copy_(tensor)
        graph.replay()
        return output

    return replay


def training(options, model, images, labels):
    """A step that ends when its loss is known."""
    on_gpu = options.device == "cuda"
    fused = {"fused": True, "capturable": options.side == "graph"} if on_gpu else {}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4, **fused)
    criterion = torch.nn.CrossEntropyLoss()

    def loss_of(images, labels):
        with torch.autocast(options.device, torch.bfloat16, enabled=options.precision == "bf16"):
            return criterion(model(images), labels)

    forward = compiled(loss_of) if options.side == "compile" else loss_of

    def step(images, labels):
        optimizer.zero_grad(set_to_none=True)
        loss = forward(images, labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    if options.side == "graph":
        step = recorded(step, images, labels)
    return lambda: step(images, labels).item()


def inference(options, model, images):
    """Logits, and the wait for them."""
    if options.precision == "bf16":
        model, images = model.bfloat16(), images.bfloat16()

    def infer(images):
        with torch.no_grad():
            return model(images)

    if options.side == "compile":
        infer = compiled(infer)
    elif options.side == "graph":
        infer = recorded(infer, images)

    def work():
        infer(images)
        if options.device == "cuda":
            torch.cuda.synchronize()

    return work


def prepared(options):
    """The name of a side, and its work."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    serving.allow_tf32(options.precision == "tf32")
    model = getattr(torchvision.models, options.arch)()
    model.fc = torch.nn.Linear(model.fc.in_features, 88)
    model = model.to(options.device, memory_format=torch.channels_last)
    model.train(options.mode == "train")
    images = torch.randn(options.batch, 3, options.size, options.size)
    images = images.to(options.device, memory_format=torch.channels_last)
    labels = torch.randint(0, 88, (options.batch,)).to(options.device)
    names = {"eager": "", "graph": ", CUDA graph", "compile": ", compiled"}
    if options.side not in names:
        return engines.checked(options.side, model, images, options.threads)
    train = options.mode == "train"
    work = training(options, model, images, labels) if train else inference(options, model, images)
    return f"PyTorch {torch.__version__}{names[options.side]}", work


def sorted_milliseconds(options, work):
    on_gpu = options.device == "cuda"
    milliseconds(WARM_UPS, 0, work)
    milliseconds(0, WARM_UP_SECONDS if on_gpu else 0, work)
    return sorted(milliseconds(options.repeats, MEASURED_SECONDS if on_gpu else 0, work))


def forget(device):
    """Gives back what the last step took of the GPU, CUDA graphs and their memory included."""
    if hasattr(torch, "compile"):
        torch._dynamo.reset()
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_mib(device):
    if device == "cuda":
        return torch.cuda.max_memory_reserved() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(options):
    if options.side == "compile" and not hasattr(torch, "compile"):
        raise NotImplementedError("no torch.compile")
    try:
        side, work = prepared(options)
        times = sorted_milliseconds(options, work)
        # An engine's network was PyTorch's first: what the process took at most is not the engine's.
        peak = peak_mib(options.device) if options.side not in engines.ENGINES else None
    finally:
        forget(options.device)
    return {
        "side": side, "arch": options.arch, "mode": options.mode,
        "batch": options.batch, "size": options.size, "threads": options.threads, "device": options.device,
        "precision": options.precision, "repeats": len(times),
        "median_ms": times[len(times) // 2], "p20_ms": times[len(times) // 5], "p80_ms": times[len(times) * 4 // 5],
        "peak_mib": peak,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--mode", choices=["train", "inference"], default="train")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10, help="at least, where a GPU does more in a second")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
    parser.add_argument("--side", choices=["eager", "graph", "compile", *engines.ENGINES], default="eager")
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()

    def answer(request):
        return measure(argparse.Namespace(**{**vars(options), **request}))

    if options.serve:
        return serving.serve(options.device, lambda: answer)
    print(json.dumps(answer({})))


if __name__ == "__main__":
    main()
