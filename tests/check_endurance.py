#!/usr/bin/env python3
"""Whether tests/endurance/sample.py sees what a process holds, and plot.py draws it.

    check_endurance.py        (without matplotlib the drawing is left out: "skipped")
"""
import csv
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).parent
sys.path.insert(0, str(TESTS / "support"))
from checks import check  # noqa: E402

# Holds 64 MiB, ten files, a thread and a child more than it began with.
HOLDER = """
import subprocess, sys, threading, time
held = bytearray(64 << 20)
files = [open('/dev/null') for _ in range(10)]
threading.Thread(target=time.sleep, args=(2,)).start()
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(2)'])
sys.exit(child.wait() or 7)
"""


def sample_command(out, *command):
    return [sys.executable, str(TESTS / "endurance/sample.py"), "--out", str(out), "--interval", "0.2", "--", *command]


def check_samples(samples):
    code = subprocess.run(sample_command(samples, sys.executable, "-c", HOLDER), timeout=60).returncode
    check(code == 7, "the command's exit code became", code)
    with open(samples, newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    check(len(rows) >= 4, "too few samples:", len(rows))
    largest = {name: max(row[name] for row in rows) for name in rows[0]}
    check(largest["anonymous_kib"] >= 64 << 10 and largest["rss_kib"] >= largest["anonymous_kib"], "memory:", largest)
    check(largest["file_handles"] >= 10 + 2 * 3 and largest["threads"] >= 3 and largest["processes"] == 2, "counts:", largest)
    check(all(a["seconds"] < b["seconds"] for a, b in zip(rows, rows[1:])), "seconds do not rise")


def check_signal(samples):
    """Who ends the sampler ends the command."""
    sampler = subprocess.Popen(sample_command(samples, "sleep", "60"))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (samples.exists() and samples.read_text().count("\n") > 1):
        time.sleep(0.1)
    sampler.send_signal(signal.SIGTERM)
    check(sampler.wait(30) == 128 + signal.SIGTERM, "exit code after SIGTERM:", sampler.returncode)


def check_plot(samples, picture):
    result = subprocess.run([sys.executable, str(TESTS / "endurance/plot.py"), str(samples), str(picture), "Made up"],
                            capture_output=True, text=True, timeout=120)
    if result.returncode == 77:
        print(result.stdout, end="")
        return
    check(result.returncode == 0, result.stderr)
    check("KiB a minute" in result.stdout, result.stdout)
    check(picture.read_text().rstrip().endswith("</svg>") and picture.stat().st_size < 200_000, "no small SVG")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_signal(folder / "ended.csv")
        check_samples(folder / "samples.csv")
        check_plot(folder / "samples.csv", folder / "plot.svg")


if __name__ == "__main__":
    main()
