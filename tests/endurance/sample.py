#!/usr/bin/env python3
"""Run a command and write, each second, what it holds: memory, file handles, threads, processes.

    tests/endurance/sample.py --out training.csv --log training.log -- build/tern train ...

A row sums the command's process and its descendants. `rss` is what is resident and counts pages of files that are mapped,
`pss` shares those among the processes that map them, `anonymous` is what the program itself allocated: the column in which a
leak shows. Linux alone (/proc); nothing beyond Python's own library. Exits with the command's code. SIGINT and SIGTERM are
passed on to the command, whose end is waited for.
"""

import argparse
import csv
import os
import signal
import subprocess
import sys
import time

COLUMNS = ["seconds", "rss_kib", "pss_kib", "anonymous_kib", "file_handles", "threads", "processes", "cpu_seconds", "read_mib"]
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def descendants(root):
    """`root` and every process below it, by the parents that /proc names."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    parent = int(stat.read().rpartition(b")")[2].split()[1])
            except OSError:  # It has ended since.
                continue
            children.setdefault(parent, []).append(int(name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def sizes_of(pid):
    """Rss, Pss and Anonymous in KiB."""
    sizes = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            key, _, rest = line.partition(":")
            if key in ("Rss", "Pss", "Anonymous"):
                sizes[key] = int(rest.split()[0])
    return sizes["Rss"], sizes["Pss"], sizes["Anonymous"]


def cpu_seconds_of(pid):
    with open(f"/proc/{pid}/stat", "rb") as stat:
        fields = stat.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def read_bytes_of(pid):
    """Bytes that it has asked the system for, from disk or page cache."""
    with open(f"/proc/{pid}/io", encoding="ascii") as io:
        return int(io.readline().split()[1])


def sample(root):
    """One row but for its first column; None where the process has ended."""
    row = [0] * (len(COLUMNS) - 1)
    for pid in descendants(root):
        try:
            values = [*sizes_of(pid), len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task")), 1,
                      cpu_seconds_of(pid), read_bytes_of(pid) / 2**20]
        except (OSError, KeyError, IndexError):  # It has ended since, or is a zombie without memory.
            continue
        row = [total + value for total, value in zip(row, values)]
    return row if row[COLUMNS.index("processes") - 1] > 0 else None


def record(process, out, interval):
    """Samples until the process ends; returns the largest row, column by column."""
    start = time.monotonic()
    largest = [0] * len(COLUMNS)
    with open(out, "w", newline="", encoding="ascii") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        while process.poll() is None:
            row = sample(process.pid)
            if row is not None:
                row = [time.monotonic() - start, *row]
                rows.writerow([round(value, 2) for value in row])
                file.flush()
                largest = [max(pair) for pair in zip(largest, row)]
            try:
                process.wait(interval)
            except subprocess.TimeoutExpired:
                pass
    return largest


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", required=True, metavar="FILE.csv")
    parser.add_argument("--log", metavar="FILE", help="the command's output; by default here")
    parser.add_argument("--interval", type=float, default=1.0, metavar="SECONDS", help="between samples")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    options = parser.parse_args()
    log = open(options.log, "wb") if options.log else None
    start = time.monotonic()
    process = subprocess.Popen(options.command, stdout=log, stderr=log)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, frame: process.send_signal(received))
    largest = record(process, options.out, options.interval)
    print(f"{time.monotonic() - start:.1f} s, exit {process.returncode}; at most "
          + ", ".join(f"{name} {value:.0f}" for name, value in zip(COLUMNS[1:], largest[1:])))
    sys.exit(process.returncode if process.returncode >= 0 else 128 - process.returncode)


if __name__ == "__main__":
    main()
