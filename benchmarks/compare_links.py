#!/usr/bin/env python3
"""Trains a network on several hosts whose links are slowed, by tern and by PyTorch's DistributedDataParallel, in turn.

    benchmarks/compare_links.py [--build build] [--hosts 2] [--rates none,10gbit,1gbit] [--rounds 3] [--backbone resnet50]
                                [--batch 64] [--peer PYTHON]

The hosts are network namespaces of this machine, one rank of one thread each, on a bridge; what each sends and what it receives
passes a token bucket of the rate (tc tbf; none: as fast as it goes). A cell is the median of the rounds in images a second; an
efficiency is that over the same side's without a limit: 1 where all communication hides behind the backward pass. PYTHON is one
that has torch and torchvision; without it tern is measured alone. Takes root, iproute2, Open MPI.
"""
import argparse
import contextlib
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from comparison import PEERS, at_least_one

NETWORK = "10.96.0"
BURST = "256kb"  # of a token bucket: what a card sends at once


def run(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, **options)


class Hosts:
    """Network namespaces with an address each, and a bridge between them in one more."""

    def __init__(self, count):
        self.names = [f"tern_{os.getpid()}_{number}" for number in range(1, count + 1)]
        self.switch = f"tern_{os.getpid()}_0"

    def __enter__(self):
        run("ip", "netns", "add", self.switch)
        run("ip", "-n", self.switch, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", self.switch, "link", "set", "bridge", "up")
        for number, name in enumerate(self.names, 1):
            run("ip", "netns", "add", name)
            run("ip", "link", "add", "cable", "netns", name, "type", "veth", "peer", "name", f"port{number}", "netns", self.switch)
            run("ip", "-n", name, "addr", "add", f"{NETWORK}.{number}/24", "dev", "cable")
            for device in ("lo", "cable"):
                run("ip", "-n", name, "link", "set", device, "up")
            run("ip", "-n", self.switch, "link", "set", f"port{number}", "master", "bridge")
            run("ip", "-n", self.switch, "link", "set", f"port{number}", "up")
        return self

    def __exit__(self, *_):
        for name in [*self.names, self.switch]:
            subprocess.run(["ip", "netns", "del", name], check=False)

    def limit(self, rate):
        for number, name in enumerate(self.names, 1):
            for namespace, device in ((name, "cable"), (self.switch, f"port{number}")):
                subprocess.run(["tc", "-n", namespace, "qdisc", "del", "dev", device, "root"], check=False,
                               stderr=subprocess.DEVNULL)  # there may be none
                if rate != "none":
                    run("tc", "-n", namespace, "qdisc", "add", "dev", device, "root", "tbf", "rate", rate, "burst", BURST,
                        "latency", "50ms")


def start_of_ranks(hosts, folder):
    """The words before a program that mpirun starts on each host, as tests/check_two_hosts.sh does."""
    enter = folder / "enter"  # what mpirun calls in place of ssh: HOST COMMAND...
    enter.write_text('#!/bin/bash\nnumber=${1##*.} && shift\n'
                     f'exec ip netns exec tern_{os.getpid()}_$number unshare --uts sh -c "hostname host$number; $*"\n')
    enter.chmod(0o755)
    (folder / "hosts").write_text("".join(f"{NETWORK}.{number} slots=1\n" for number in range(1, len(hosts.names) + 1)))
    return [enter, f"{NETWORK}.1", "mpirun", "--allow-run-as-root", "-n", len(hosts.names), "--hostfile", folder / "hosts",
            "--bind-to", "none", "--mca", "plm_rsh_agent", enter, "--mca", "oob_tcp_if_include", f"{NETWORK}.0/24",
            "--mca", "btl_tcp_if_include", f"{NETWORK}.0/24", "--mca", "btl", "self,tcp"]


def tern_images_per_second(tern, hosts, folder, options):
    """Of the second epoch."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        out = pathlib.Path(out) / "run"
        run(*start_of_ranks(hosts, folder), tern, "train", "--quiet", "--config", folder / "config.toml", "--data",
            folder / "data", "--out", out, "--device", "cpu", "--threads", 1, stdout=subprocess.DEVNULL)
        with open(out / "metrics.csv", newline="") as file:
            return float(list(csv.DictReader(file))[1]["images_per_second"])


def peer_images_per_second(python, hosts, options):
    processes = []
    for rank, name in enumerate(hosts.names):
        environment = {"RANK": rank, "WORLD_SIZE": len(hosts.names), "MASTER_ADDR": f"{NETWORK}.1", "MASTER_PORT": 29500,
                       "GLOO_SOCKET_IFNAME": "cable"}
        words = ["ip", "netns", "exec", name, "env", *(f"{key}={value}" for key, value in environment.items()), python,
                 str(PEERS / "ddp.py"), "--arch", options.backbone, "--batch", str(options.batch)]
        processes.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        sys.exit("compare_links: the peer failed")
    return json.loads(outputs[0].splitlines()[-1])["images_per_second"]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--hosts", type=at_least_one, default=2)
    parser.add_argument("--rates", default="none,10gbit,1gbit", help="of tc; none first")
    parser.add_argument("--rounds", type=at_least_one, default=3)
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--batch", type=at_least_one, default=64)
    parser.add_argument("--images-per-subclass", type=at_least_one, default=40, help="of 18; nine in ten are trained on")
    parser.add_argument("--peer", help="a Python with torch and torchvision")
    return parser.parse_args()


def main():
    options = parse_options()
    tern = (pathlib.Path(options.build) / "tern").resolve()
    rates = options.rates.split(",")
    sides = ["tern"] + (["PyTorch"] if options.peer else [])
    found = {(side, rate): [] for side in sides for rate in rates}
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hosts = stack.enter_context(Hosts(options.hosts))
        (folder / "config.toml").write_text(f'backbone = "{options.backbone}"\nbatch_size = {options.batch}\n'
                                            'epochs = 2\ncifar = "none"\n')
        run(tern, "demo-data", "--quiet", "--out", folder / "data", "--images-per-subclass", options.images_per_subclass)
        for _ in range(options.rounds):
            for rate in rates:
                hosts.limit(rate)
                found["tern", rate].append(tern_images_per_second(tern, hosts, folder, options))
                if options.peer:
                    found["PyTorch", rate].append(peer_images_per_second(options.peer, hosts, options))
    print(f"{options.backbone}, batches of {options.batch}, {options.hosts} hosts of one thread, {options.rounds} rounds\n\n"
          "| side | link | images/s | noise % | efficiency |\n|---|---|---|---|---|")
    for side in sides:
        free = statistics.median(found[side, rates[0]])
        for rate in rates:
            median, noise = statistics.median(found[side, rate]), max(found[side, rate]) / min(found[side, rate]) - 1
            print(f"| {side} | {rate} | {median:.1f} | {100 * noise:.1f} | {median / free:.2f} |")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"compare_links: {error}")
