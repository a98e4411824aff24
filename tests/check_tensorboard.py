#!/usr/bin/env python3
"""Reads a run's event files with the tensorboard package and compares them with metrics.csv.

    check_tensorboard.py RUN        (pip install tensorboard; without it: exit code 77, "skipped")

Checks that each number of metrics.csv is there once, as a scalar of its name, in the files and in what TensorBoard's page
is given to draw, by its data server and by its Python loader; that histograms count what they hold; and that images are
PNGs of the size they claim.
"""
import csv
import json
import pathlib
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

try:
    from tensorboard.backend.event_processing import event_accumulator
except ImportError:
    print("skipped: no tensorboard package")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
from checks import check  # noqa: E402

SECONDS_TO_LOAD = 60  # TensorBoard starts in seconds, on a busy machine in many


def points_of(metrics):
    """Of each tag the (epoch, value) of metrics.csv."""
    wanted = {}
    with open(metrics, newline="") as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if name not in ("model", "epoch") and value:
                    wanted.setdefault(f"{row['model']}/{name}", []).append((int(row["epoch"]), float(value)))
    return wanted


def check_points(tag, got, wanted):
    check([step for step, _ in got] == [step for step, _ in wanted], f"{tag}: steps {got}, wanted {wanted}")
    for (step, value), (_, truth) in zip(got, wanted):
        check(abs(value - truth) <= 1e-6 * abs(truth) + 1e-30, f"{tag} at {step}: {value}, wanted {truth}")


class Page:
    """TensorBoard itself on a folder, asked for what its page asks for."""

    def __init__(self, folder, load_fast):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}/data/"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", folder, "--host", "127.0.0.1", "--port",
             self.url.split(":")[2].split("/")[0], f"--load_fast={load_fast}", "--reload_interval", "1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def get(self, path, **query):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}", timeout=20) as answer:
            return json.load(answer)

    def tags(self):
        return self.get("plugin/scalars/tags").get(".", {})

    def scalars(self, tag):
        return [(step, value) for _, step, value in self.get("plugin/scalars/scalars", run=".", tag=tag)]

    def wait_for(self, points):
        """Until so many points have been loaded, or for as long as that may take."""
        end = time.time() + SECONDS_TO_LOAD
        while self.process.poll() is None and time.time() < end:
            try:
                if sum(len(self.scalars(tag)) for tag in self.tags()) >= points:
                    time.sleep(2)  # a loading more, which may bring what should not be there
                    return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.3)
        check(self.process.poll() is None, f"tensorboard ended: {self.process.poll()}")


def check_page(run, wanted, load_fast):
    with Page(run, load_fast) as page:
        page.wait_for(sum(map(len, wanted.values())))
        check(sorted(page.tags()) == sorted(wanted), f"--load_fast={load_fast}: other scalars than metrics.csv's")
        for tag, points in wanted.items():
            check_points(f"--load_fast={load_fast}: {tag}", page.scalars(tag), points)


def check_histograms(events, tags):
    check(tags, "no histograms")
    for tag in tags:
        for event in events.Histograms(tag):
            value = event.histogram_value
            check(value.num > 0 and sum(value.bucket) == value.num, f"{tag}: {value.num} values, other buckets")
            check(value.min <= value.max, f"{tag}: from {value.min} to {value.max}")


def check_pictures(events, tags):
    pictures = 0
    for tag in tags:
        check(" taken for " in tag, f"image {tag} tells no classes")
        for event in events.Images(tag):
            png = event.encoded_image_string
            check(png[:8] == b"\x89PNG\r\n\x1a\n", f"{tag}: no PNG")
            check(struct.unpack(">II", png[16:24]) == (event.width, event.height), f"{tag}: of another size")
            pictures += 1
    return pictures


def main():
    check(len(sys.argv) == 2, "wanted one argument, a run folder")
    run = pathlib.Path(sys.argv[1])
    events = event_accumulator.EventAccumulator(
        str(run), size_guidance={"scalars": 0, "histograms": 0, "images": 0})
    events.Reload()
    tags = events.Tags()

    wanted = points_of(run / "metrics.csv")
    check(sorted(wanted) == sorted(tags["scalars"]),
          f"scalars {sorted(set(wanted) ^ set(tags['scalars']))} are in one of metrics.csv and the events alone")
    for tag, points in wanted.items():
        check_points(tag, [(event.step, event.value) for event in events.Scalars(tag)], points)
    check_histograms(events, tags["histograms"])
    pictures = check_pictures(events, tags["images"])
    for load_fast in ("true", "false"):
        check_page(run, wanted, load_fast)
    print(f"tensorboard reads {len(tags['scalars'])} scalars with {sum(map(len, wanted.values()))} points, "
          f"{len(tags['histograms'])} histograms, {pictures} images, and its page draws them")


if __name__ == "__main__":
    main()
