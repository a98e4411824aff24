#!/usr/bin/env python3
"""Compares two result files of the kernels' benchmarks: what got slower or faster beyond their noise, what is missing.

    benchmarks/compare_results.py BEFORE.json AFTER.json [--least PERCENT] [--fail]

The files are of bench_kernels, compare_kernels.py or count_kernels (--json), or reports of scripts/gpu_check.sh. A time's noise is half of the interval in which its
median lies with 95 %, or where that is more what two timings of one graph differed by; a row has changed if its times are further
apart than the noise of both together, and than --least percent. Counts of the emulator have no noise: any difference is told.
Devices, drivers, CUDA, commits and clocks that differ are named. With --fail the exit code is 1 if a row of tern's or of a kernel
from outside got slower, is missing, fails or differs from its reference, and did not before; 2 for files that cannot be compared.
"""
import argparse
import json
import pathlib
import sys

MODES = {"stream": "Issued to a stream", "graph": "Replayed as a graph", "warm": "Replayed with a warm cache"}
COUNTS = {"launches": "launches", "distinct_bytes": "distinct bytes", "moved_bytes": "moved bytes",
          "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum": "bank conflicts of loads",
          "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_st.sum": "bank conflicts of stores",
          "block_barriers": "barriers", "contended_atomics": "waiting atomics", "predicted_us": "least time, us"}
ENVIRONMENT = {"name": "device", "predicted": "device predicted for", "driver": "driver", "cuda": "CUDA", "commit": "commit",
               "clocks": "clocks", "power_limit_watts": "power limit, W", "highest_sm_mhz": "highest SM clock, MHz",
               "sm_mhz": "SM clock, MHz", "memory_mhz": "memory clock, MHz"}
CLOCK_STEPS = 0.02  # of a clock: less is no difference


class Unusable(Exception):
    """Why a file cannot be compared."""


class Results:
    def __init__(self, path):
        try:
            data = json.loads(pathlib.Path(path).read_text())
        except (OSError, ValueError) as error:
            raise Unusable(f"{path}: wanted results of the kernels' benchmarks, got {error}") from error
        if isinstance(data, dict) and isinstance(data.get("kernels"), dict):
            data = data["kernels"]  # a report, of which these are a part
        if not isinstance(data, dict) or not isinstance(data.get("device"), dict) or "rows" not in data:
            raise Unusable(f"{path}: wanted results with a device and rows, got neither or none that were measured")
        self.path, self.device, self.torch = path, data["device"], data.get("torch")
        self.rows = {self.key(row): row for row in data["rows"] + data.get("peer_rows", [])}
        self.failed = {self.key(row): row for row in data.get("failed", [])}
        self.left_out = {self.key(row): row for row in data.get("left_out", [])}

    @staticmethod
    def key(row):
        return row["side"], row["kernel"], row["shape"], row["dtype"]

    @property
    def is_counted(self):
        return self.device.get("name") == "emulator"

    def why_not(self, key):
        """Of a row that is not there."""
        if key in self.failed:
            return f"failed: {self.failed[key]['message']}"
        return f"left out: {self.left_out[key]['why']}" if key in self.left_out else "not there"


def is_ours(key):
    return key[0] not in ("eager", "compile", "fused", "torchvision")


def name_of(key):
    side, kernel, shape, dtype = key
    return f"{kernel} {shape} {dtype} of {side}"


def noise_percent(row, mode):
    """Of a time of the row: what could be chance."""
    time = row[f"{mode}_us"]
    if f"{mode}_low_us" in row:
        interval = 50 * (row[f"{mode}_high_us"] - row[f"{mode}_low_us"]) / time
    elif f"{mode}_p20_us" in row:  # of a file from before there were intervals
        interval = 50 * (row[f"{mode}_p80_us"] - row[f"{mode}_p20_us"]) / time
    else:
        interval = 0
    return max(interval, row.get("noise_percent") or 0)


def environment_lines(before, after):
    """What differs between the two beside the kernels."""
    lines = []
    for key, name in ENVIRONMENT.items():
        was, now = before.device.get(key), after.device.get(key)
        is_step = key.endswith("_mhz") and was and now and abs(now / was - 1) <= CLOCK_STEPS
        if was != now and not is_step:
            lines.append(f"- {name}: {was if was is not None else 'not told'} -> "
                         f"{now if now is not None else 'not told'}")
    if before.torch != after.torch:
        lines.append(f"- PyTorch: {before.torch or 'none'} -> {after.torch or 'none'}")
    if before.device.get("name") != after.device.get("name"):
        lines.append("- **Different devices: times tell them apart, not the kernels.**")
    return lines


class Comparison:
    def __init__(self, before, after, least):
        self.before, self.after, self.least = before, after, least
        self.common = [key for key in before.rows if key in after.rows]
        self.bad = 0  # rows of ours that got worse

    def report(self):
        different = environment_lines(self.before, self.after)
        print(f"{self.before.path} -> {self.after.path}: {len(self.common)} rows in both\n")
        print("\n".join(different) if different else "Nothing differs in device, driver, CUDA and commit.")
        if self.before.is_counted:
            self.report_counts()
        else:
            for mode, title in MODES.items():
                self.report_times(mode, title)
        self.report_correctness()
        self.report_missing("Only before", self.before, self.after, counts=True)
        self.report_missing("Only after", self.after, self.before, counts=False)

    def report_times(self, mode, title):
        keys = [key for key in self.common
                if all(side.rows[key].get(f"{mode}_us") for side in (self.before, self.after))]
        if not keys:
            return
        changed, held_down = [], []
        for key in keys:
            rows = [side.rows[key] for side in (self.before, self.after)]
            was, now = (row[f"{mode}_us"] for row in rows)
            noise = sum(noise_percent(row, mode) / 100 * row[f"{mode}_us"] for row in rows)
            if any(row.get("held_down") or row.get(f"{mode}_held_down") for row in rows):
                held_down.append(key)
            elif abs(now - was) > noise and abs(now / was - 1) * 100 >= self.least:
                changed.append((now / was, key, was, now, 100 * noise / was))
                self.bad += now > was and is_ours(key)
        slower = sorted((one for one in changed if one[0] > 1), reverse=True)
        faster = sorted(one for one in changed if one[0] < 1)
        print(f"\n## {title}\n\n{len(slower)} slower, {len(faster)} faster, "
              f"{len(keys) - len(changed) - len(held_down)} the same within noise and {self.least:g} %, "
              f"{len(held_down)} of which a side was held down")
        for what, rows in (("slower", slower), ("faster", faster)):
            if rows:
                print(f"\n| {what} | before us | after us | change | noise |\n|---|---|---|---|---|")
            for ratio, key, was, now, noise in rows:
                print(f"| {name_of(key)} | {was:.2f} | {now:.2f} | {100 * (ratio - 1):+.1f} % | {noise:.1f} % |")
        for key in held_down:
            print(f"- held down: {name_of(key)}")

    def report_counts(self):
        lines = []
        for key in self.common:
            was, now = self.before.rows[key], self.after.rows[key]
            for count, name in COUNTS.items():
                if was.get(count) == now.get(count):
                    continue
                lines.append(f"| {name_of(key)} | {name} | {was.get(count)} | {now.get(count)} |")
                self.bad += (now.get(count) or 0) > (was.get(count) or 0)
        print(f"\n## Counts\n\n{len(lines)} changed")
        if lines:
            print("\n| row | count | before | after |\n|---|---|---|---|\n" + "\n".join(lines))

    def report_correctness(self):
        for key in self.common:
            was, now = (side.rows[key].get("wrong", False) for side in (self.before, self.after))
            if was != now:
                print(f"\n{'WRONG now' if now else 'Right now'}: {name_of(key)}")
                self.bad += now

    def report_missing(self, title, there, elsewhere, counts):
        keys = [key for key in there.rows if key not in elsewhere.rows]
        if not keys:
            return
        print(f"\n## {title}\n")
        for key in keys:
            print(f"- {name_of(key)}: {elsewhere.why_not(key)} in {elsewhere.path}")
            self.bad += counts and is_ours(key)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", metavar="BEFORE.json")
    parser.add_argument("after", metavar="AFTER.json")
    parser.add_argument("--least", type=float, default=1, metavar="PERCENT", help="a change that is told, at least")
    parser.add_argument("--fail", action="store_true", help="exit code 1 if a row got worse")
    options = parser.parse_args()
    try:
        before, after = Results(options.before), Results(options.after)
        if before.is_counted != after.is_counted:
            raise Unusable(f"wanted times twice or counts twice, got {before.device.get('name')} and "
                           f"{after.device.get('name')}")
    except Unusable as error:
        print(f"compare_results: {error}", file=sys.stderr)
        return 2
    comparison = Comparison(before, after, options.least)
    comparison.report()
    return 1 if options.fail and comparison.bad else 0


if __name__ == "__main__":
    sys.exit(main())
