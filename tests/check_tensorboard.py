#!/usr/bin/env python3
"""Reads a run's event files with the tensorboard package and compares them with metrics.csv.

    check_tensorboard.py RUN        (pip install tensorboard; without it: exit code 77, "skipped")

Checks that each number of metrics.csv is there once, as a scalar of its name; that histograms count what they hold; and
that images are PNGs of the size they claim.
"""
import csv
import pathlib
import struct
import sys

try:
    from tensorboard.backend.event_processing import event_accumulator
except ImportError:
    print("skipped: no tensorboard package")
    sys.exit(77)


def check(ok, text):
    if not ok:
        sys.exit(f"check_tensorboard: {text}")


def main():
    check(len(sys.argv) == 2, "wanted one argument, a run folder")
    run = pathlib.Path(sys.argv[1])
    events = event_accumulator.EventAccumulator(
        str(run), size_guidance={"scalars": 0, "histograms": 0, "images": 0})
    events.Reload()
    tags = events.Tags()

    wanted = {}
    with open(run / "metrics.csv", newline="") as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if name not in ("model", "epoch") and value:
                    wanted.setdefault(f"{row['model']}/{name}", []).append((int(row["epoch"]), float(value)))
    check(sorted(wanted) == sorted(tags["scalars"]),
          f"scalars {sorted(set(wanted) ^ set(tags['scalars']))} are in one of metrics.csv and the events alone")
    for tag, points in wanted.items():
        got = [(event.step, event.value) for event in events.Scalars(tag)]
        check([step for step, _ in got] == [step for step, _ in points], f"{tag}: steps {got}, wanted {points}")
        for (step, value), (_, truth) in zip(got, points):
            check(abs(value - truth) <= 1e-6 * abs(truth) + 1e-30, f"{tag} at {step}: {value}, wanted {truth}")

    check(tags["histograms"], "no histograms")
    for tag in tags["histograms"]:
        for event in events.Histograms(tag):
            value = event.histogram_value
            check(value.num > 0 and sum(value.bucket) == value.num, f"{tag}: {value.num} values, other buckets")
            check(value.min <= value.max, f"{tag}: from {value.min} to {value.max}")

    pictures = 0
    for tag in tags["images"]:
        check(" taken for " in tag, f"image {tag} tells no classes")
        for event in events.Images(tag):
            png = event.encoded_image_string
            check(png[:8] == b"\x89PNG\r\n\x1a\n", f"{tag}: no PNG")
            check(struct.unpack(">II", png[16:24]) == (event.width, event.height), f"{tag}: of another size")
            pictures += 1
    print(f"tensorboard reads {len(tags['scalars'])} scalars with {sum(map(len, wanted.values()))} points, "
          f"{len(tags['histograms'])} histograms, {pictures} images")


if __name__ == "__main__":
    main()
