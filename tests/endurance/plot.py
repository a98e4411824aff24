#!/usr/bin/env python3
"""Draws what sample.py wrote as a small SVG: memory above, file handles and threads below, over the minutes.

    tests/endurance/plot.py training.csv training.svg "Training, 5,000 epochs"

Wants Debian's python3-matplotlib; without it exit code 77 and "skipped". A dashed line goes through the medians of the anonymous
memory's third and fourth quarter, and its slope is told in the legend: what a leak would look like, whatever peaks there are and
what is given back at the end.
"""

import csv
import sys
from statistics import median

try:
    import matplotlib
except ImportError:
    print("skipped: no matplotlib")
    sys.exit(77)

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "tern"  # the same samples give the same bytes
from matplotlib import pyplot  # noqa: E402

POINTS = 400  # as many are drawn; of those between, the largest is


def read(path):
    with open(path, newline="", encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def thinned(values):
    """The largest of each stretch, so that no peak is lost."""
    step = max(1, -(-len(values) // POINTS))
    return [max(values[i:i + step]) for i in range(0, len(values), step)]


def slope_and_start(x, y):
    """Of the line through the medians of both halves."""
    half = len(x) // 2
    (x0, y0), (x1, y1) = ((median(x[part]), median(y[part])) for part in (slice(half + 1), slice(half, None)))
    slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0
    return slope, y0 - slope * x0


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    columns = read(sys.argv[1])
    minutes = [value / 60 for value in columns["seconds"]]
    times = thinned(minutes)
    figure, (memory, counts) = pyplot.subplots(2, 1, sharex=True, figsize=(7.2, 4), height_ratios=[3, 2], layout="constrained")
    memory.set_title(sys.argv[3], fontsize=10, loc="left")
    for name, label, colour in (("rss_kib", "resident, with mapped files", "#999999"), ("anonymous_kib", "anonymous", "#1f5fa8")):
        memory.plot(times, thinned([value / 1024 for value in columns[name]]), label=label, color=colour, linewidth=1)
    half = len(minutes) // 2
    second = [value / 1024 for value in columns["anonymous_kib"][half:]]
    slope, start = slope_and_start(minutes[half:], second)
    memory.plot([minutes[half], minutes[-1]], [slope * x + start for x in (minutes[half], minutes[-1])], "--", color="#c0392b",
                linewidth=1, label=f"its second half: {1024 * slope:+.2f} KiB a minute")
    memory.set_ylabel("MiB")
    memory.set_ylim(bottom=0)
    memory.legend(fontsize=8, frameon=False, loc="lower right")
    for name, label, colour in (("file_handles", "file handles", "#1f5fa8"), ("threads", "threads", "#c0392b"),
                                ("processes", "processes", "#999999")):
        counts.step(times, thinned(columns[name]), label=label, color=colour, linewidth=1, where="post")
    counts.set_ylim(bottom=0)
    counts.set_xlabel("minutes")
    counts.legend(fontsize=8, frameon=False, ncols=3, loc="lower right")
    figure.savefig(sys.argv[2], metadata={"Date": None})
    print(f"{sys.argv[2]}: {minutes[-1]:.1f} minutes, {len(minutes)} samples, anonymous memory {1024 * slope:+.2f} KiB a minute "
          f"in the second half")


if __name__ == "__main__":
    main()
