"""What tern-profile counts of the course's lessons, and what they print: each is run once and kept in BUILD/book-counts until it, what it
may include, or tern-profile changes. BUILD is learn/run's: TERN_BUILD in the environment, else build/."""
import hashlib
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile
from importlib.machinery import SourceFileLoader

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What a lesson itself prints, and faults; tern-profile's report comes after it.
SAID = re.compile(r"right|not yet|hint|tern: |tern-profile: |\S+:\d+:\d+: error: |the kernel:|\d+ columns: |[ \d]\d  |    note: |checked at ")


def load_runner():
    """learn/run as a module: which lessons there are, and what they are called."""
    sys.path.insert(0, str(ROOT / "learn"))  # for what it imports
    spec = importlib.util.spec_from_loader("learn_run", SourceFileLoader("learn_run", str(ROOT / "learn/run")))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


runner = load_runner()


def source_of(key):
    """The file of a lesson, or of a program of the book."""
    known = runner.lessons()
    path = known.get(key, ROOT / "learn" / f"{key}.cu")
    if not path.exists():
        raise ValueError(f"wanted a lesson or a program of learn/, got {key!r}")
    return path


def solution_of(key):
    """The file with a lesson's solution, or None where all of it is there."""
    path = source_of(key)
    solution = ROOT / "learn/solutions" / path.relative_to(ROOT / "learn")
    return solution if solution.exists() else None


def parts_of(key):
    """A lesson's text before, in and after the part that is to be written."""
    path = source_of(key)
    before, begin, rest = path.read_text().partition(runner.BEGIN[path.suffix])
    inside, end, after = rest.partition(runner.END)
    if not begin or not end:
        raise ValueError(f"{path}: wanted {runner.BEGIN[path.suffix].strip()!r} and {runner.END.strip()!r}, got a text without one of them")
    return before + begin, inside, end + after


def in_order(kernels, text):
    """As the text has them; a kernel of tern's own is not in it, and last."""
    return sorted(kernels, key=lambda kernel: text.find(f" {runner.short_name(kernel).split('<')[0]}(") % 10**9)


def fingerprint(text):
    """Of everything that the counts of a lesson with this text depend on."""
    told = hashlib.sha256("\n".join([text, *runner.LARGE]).encode())
    sources = [path for folder in ("kernels", "engine/core") for path in (ROOT / folder).rglob("*") if path.suffix in (".h", ".cu", ".cpp")]
    for path in [runner.BUILD / "tern-profile", *sorted(sources), *sorted((ROOT / "learn").glob("*.h")), pathlib.Path(__file__)]:
        told.update(path.read_bytes())
    return told.hexdigest()[:24]


def first_steps(steps):
    """Of each line of the source, the first time that the warp does something there: what figures show."""
    first = {}
    for step in steps:
        first.setdefault((step["file"], step["line"], step["what"]), step)
    return list(first.values())


def run(path, text):
    with tempfile.TemporaryDirectory() as folder:
        source = path
        if text != path.read_text():
            source = pathlib.Path(folder) / path.name
            source.write_text(text)
        counted = pathlib.Path(folder) / "counts.json"
        large = runner.LARGE if path.parent.name == "ladders" else ()
        done = subprocess.run([runner.BUILD / "tern-profile", source, "-I", ROOT, "--json", counted, "--trace", "0,0", *large],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        kernels = json.loads(counted.read_text())["kernels"] if counted.exists() else []
    for kernel in kernels:
        if "trace" in kernel:
            kernel["trace"]["steps"] = first_steps(kernel["trace"]["steps"])
    said = [line for line in done.stdout.replace(f"{ROOT}/", "").splitlines() if SAID.match(line)]
    return {"code": done.returncode, "said": said, "kernels": in_order(kernels, text)}


def of(key, solution=False):
    """{"code", "said": [line], "kernels": [as in tern-profile's JSON]}, kernels in the order of the source. Of a lesson as it stands or
    with its solution; what goes wrong in the run is what it says."""
    path = source_of(key)
    text = path.read_text()
    if solution:
        before, _, after = parts_of(key)
        text = f"{before}{solution_of(key).read_text()}\n{after}"
    kept = runner.BUILD / "book-counts" / f"{path.stem}-{fingerprint(text)}.json"
    if not kept.exists():
        result = run(path, text)
        if not result["kernels"]:  # it came to no launch, for a reason of this moment, maybe
            return result
        kept.parent.mkdir(exist_ok=True)
        for old in kept.parent.glob(f"{path.stem}-*.json"):
            old.unlink()
        kept.write_text(json.dumps(result))
    return json.loads(kept.read_text())


def right(key, solution=False):
    """As `of`, of a run that must succeed."""
    result = of(key, solution)
    if result["code"] != 0 or not result["kernels"]:
        raise ValueError(f"{key}: wanted a run that is right, got exit code {result['code']}: {' / '.join(result['said'][:3])}")
    return result


def kernel_of(result, name):
    """The counts of one kernel, by its name in the source."""
    for kernel in result["kernels"]:
        if runner.short_name(kernel).split("<")[0] == name:
            return kernel
    raise ValueError(f"wanted the kernel {name}, got {', '.join(map(runner.short_name, result['kernels']))}")
