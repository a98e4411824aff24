#!/usr/bin/env python3
"""Where a step's time goes, kernel by kernel, as a Markdown table, of what Nsight Compute measured of some steps.

    ncu --csv --page raw --print-units base --metrics gpu__time_duration.sum --log-file steps.csv bench_step --steps 3 ...
    benchmarks/kernel_times.py steps.csv [--title TEXT] [--json FILE]

The last step is counted: what comes after the last but one launch of the kernel that comes last (the optimiser's). Each
kernel was timed alone, so that gaps between kernels, and what runs beside others, are not in the sum.
"""
import argparse
import csv
import json
import pathlib
import re
import sys

METRIC = "gpu__time_duration.sum"
NANOSECONDS = {"ns": 1, "nsecond": 1, "us": 1e3, "usecond": 1e3, "ms": 1e6, "msecond": 1e6, "s": 1e9, "second": 1e9}
MOST_ROWS = 40


def launches(text):
    """[(kernel, microseconds)] in the order of the launches. The table comes after lines of ncu's own, and has a line of
    units under its head."""
    lines = text.splitlines()
    heads = [i for i, line in enumerate(lines) if line.startswith('"ID"')]
    if not heads:
        raise ValueError('wanted a table of ncu that begins with "ID", got none')
    rows = list(csv.DictReader(lines[heads[0]:]))
    if not rows or METRIC not in rows[0] or "Kernel Name" not in rows[0]:
        raise ValueError(f"wanted columns 'Kernel Name' and '{METRIC}' (ncu --page raw), got others")
    if len(rows) == 1:
        raise ValueError("wanted launches of kernels, got none")
    unit = rows[0][METRIC]
    if unit not in NANOSECONDS:
        raise ValueError(f"wanted a unit of time under {METRIC}, got '{unit}'")
    return [(short_name(row["Kernel Name"]), float(row[METRIC].replace(",", "")) * NANOSECONDS[unit] / 1e3)
            for row in rows[1:] if row["Kernel Name"]]


def short_name(name):
    """Without return type, tern's namespaces and the parameters that a name ends with; cut where it is long."""
    name = re.sub(r"^void |tern::kernels::|\((anonymous namespace)\)::|<unnamed>::", "", name)
    depth = 0
    for i in range(len(name) - 1, -1, -1) if name.endswith(")") else ():
        depth += {")": 1, "(": -1}.get(name[i], 0)
        if depth == 0:
            name = name[:i]
            break
    return name if len(name) <= 100 else name[:97] + "..."


def last_step(all_launches):
    last = all_launches[-1][0]
    ends = [i for i, (name, _) in enumerate(all_launches) if name == last]
    if len(ends) < 2:
        raise ValueError(f"wanted two steps or more, each of which ends with {last}, got one")
    return all_launches[ends[-2] + 1:]


def by_kernel(step):
    """[{kernel, launches, us, percent}], the longest first."""
    total, found = sum(us for _, us in step), {}
    for name, us in step:
        row = found.setdefault(name, {"kernel": name, "launches": 0, "us": 0.0})
        row["launches"] += 1
        row["us"] += us
    for row in found.values():
        row["percent"] = 100 * row["us"] / total if total else 0.0
    return sorted(found.values(), key=lambda row: -row["us"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=pathlib.Path, help="what ncu wrote")
    parser.add_argument("--title", default="A step")
    parser.add_argument("--json", type=pathlib.Path, help="where to write every row")
    options = parser.parse_args()
    try:
        step = last_step(launches(options.table.read_text(errors="replace")))
    except (OSError, ValueError) as error:
        print(f"kernel_times: {options.table}: {error}", file=sys.stderr)
        return 1
    rows = by_kernel(step)
    total = sum(row["us"] for row in rows)
    print(f"### {options.title}: {len(step)} launches, {total / 1000:.3f} ms in kernels\n")
    print("| kernel | launches | us | % |\n|---|---|---|---|")
    for row in rows[:MOST_ROWS]:
        print(f"| {row['kernel']} | {row['launches']} | {row['us']:.1f} | {row['percent']:.1f} |")
    if len(rows) > MOST_ROWS:
        rest = rows[MOST_ROWS:]
        print(f"| {len(rest)} more | {sum(row['launches'] for row in rest)} | {sum(row['us'] for row in rest):.1f} | "
              f"{sum(row['percent'] for row in rest):.1f} |")
    print()
    if options.json:
        options.json.write_text(json.dumps({"title": options.title, "launches": len(step), "us": total, "kernels": rows},
                                           indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
