"""What compare_kernels.py and compare_step.py share: a peer to ask, a budget of time, results that are never lost."""
import argparse
import contextlib
import json
import math
import os
import pathlib
import subprocess
import sys
import threading
import time

PEERS = pathlib.Path(__file__).resolve().parent / "peers"
LONGEST = 240  # seconds for one answer of a peer, or one run of tern's: what takes longer hangs


class Budget:
    """Wall-clock time of which shares are given out; without a limit, infinite."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return self.end - time.monotonic()

    def share(self, part):
        return Budget(self.left() * part)


class Peer:
    """A program of benchmarks/peers/ that answers requests, a line of JSON each, until its input ends.

    `absent` says why there is nothing to compare with: no such Python, no torch, or a torch without a GPU. Anything
    else that goes wrong is an answer {"failed": why}; a program that ended is started again for the next request, and
    absent when it has ended too often.
    """

    MOST_DEATHS = 3

    def __init__(self, python, program, arguments):
        self.command = [python, str(PEERS / program), "--serve", *arguments]
        self.process, self.deaths, self.torch = None, 0, None
        self.absent = self.without_torch(python)
        if self.absent is None:
            self.start()

    @staticmethod
    def without_torch(python):
        """Asked without importing it, which takes seconds."""
        probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
        try:
            return f"{python} has no torch" if subprocess.run([python, "-c", probe]).returncode else None
        except OSError as error:
            return f"{python}: {error.strerror}"

    def start(self):
        """Starts the program; what it says first is what it is."""
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        hello = self.read()
        self.absent, self.torch = hello.get("absent"), hello.get("torch")

    def read(self):
        timer = threading.Timer(LONGEST, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if line:
            return json.loads(line)
        status = self.process.wait()
        self.process = None
        self.deaths += 1
        return {"failed": f"{' '.join(self.command)} ended with status {status}"}

    def ask(self, request):
        if self.process is None and self.deaths < self.MOST_DEATHS:
            self.start()
        if self.process is None:
            self.absent = f"{' '.join(self.command)} ended {self.deaths} times"
            return {"failed": self.absent}
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, as read() finds
        return self.read()

    def close(self):
        """Ends the program; another request would start it again."""
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def busy_loops(count):
    """So many processes that never rest, each in a session of its own, so that the system gives each a share like any program's."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def run(command):
    """Runs tern's side: its output, or None with a word on standard error if it failed."""
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, timeout=LONGEST, text=True)
        failure = None if result.returncode == 0 else f"status {result.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        failure = str(error)
    if failure:
        print(f"{' '.join(command)}: {failure}", file=sys.stderr, flush=True)
    return None if failure else result.stdout


def writable(text):
    """A path for argparse, refused before anything is measured if nothing can be written there."""
    path = pathlib.Path(text)
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"wanted a file that can be written, got {text}")
    return path


def at_least_one(text):
    """A whole number for argparse."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"wanted a whole number of 1 or more, got {text}")
    return int(text)


def seconds(text):
    """A number above 0 for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not number > 0:
        raise argparse.ArgumentTypeError(f"wanted seconds above 0, got {text}")
    return number


def print_missing(results, name):
    """What failed and what was left out, with the reasons; name: of a row, for people."""
    print()
    for row in results["failed"]:
        print(f"FAILED: {name(row)}: {row['message']}")
    if results["left_out"]:
        print(f"{len(results['left_out'])} left out:")
    for row in results["left_out"]:
        print(f"- {name(row)}: {row['why']}")


def write_json(path, results):
    """Whole or not at all, so that whoever is stopped in between leaves the last whole one."""
    if path:
        beside = path.with_name(path.name + ".new")
        beside.write_text(json.dumps(results, indent=1) + "\n")
        os.replace(beside, path)
