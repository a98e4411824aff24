#!/usr/bin/env python3
"""Writes what a call of scripts/gpu_check.sh has found so far into REPORT.md and REPORT.json.

    gpu_report.py --gpu NAME --call right|fast --work DIR --build DIR --report REPORT [--python PYTHON] [--finished]

DIR of --work holds steps.tsv (name, result, seconds), a log for each step that was begun and, where the steps came so
far: of tests and sanitizers <step>.tsv (program, result, seconds) and <step>-<program>.log, run/summary.json of the
training, step.json, kernels.json and profile-*.json. A report without --finished says that the check was going on when
it was written.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess

LAST_LINES = 200  # of a failed step's log
OF_PROGRAMS = ["tests", "memcheck", "synccheck", "initcheck"]  # steps that run several
MARKDOWN = ["training_step", "profile", "kernels"]  # steps that print their results as Markdown
TRUNCATION = "TF32 misses its tolerance by truncation"  # of tests/test_device_step.cpp


def output(*command):
    """What a command prints, or nothing if it fails."""
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def search(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else None


def python_packages(python):
    """The versions of what the peers use, without the seconds that importing torch takes."""
    names = ["torch", "torchvision", "triton", "nvidia-cudnn-cu13", "nvidia-cublas"]
    text = output(python, "-c", "import importlib.metadata as m, json, sys\n"
                  "found = {d.metadata['Name']: d.version for d in m.distributions()}\n"
                  "print(json.dumps({name: found.get(name, 'not installed') for name in sys.argv[1:]}))", *names)
    return json.loads(text) if text else dict.fromkeys(names)


def commit_of_tree():
    """(commit, files changed since), of a checkout or of what scripts/gpu_bundle.sh made."""
    bundle = pathlib.Path("bundle.txt")
    if bundle.exists():
        return search(r"(?m)^commit: (.*)", bundle.read_text()), None
    # A copy without .git may lie in somebody else's repository.
    commit = output("git", "rev-parse", "--short=12", "HEAD") if pathlib.Path(".git").exists() else ""
    changed = len(output("git", "status", "--porcelain").splitlines()) if commit else None
    return commit or os.environ.get("TERN_COMMIT") or "unknown", changed


def fixed_versions(python):
    """What does not change from step to step."""
    commit, changed = commit_of_tree()
    return {
        "commit": commit,
        "changed_files": changed,
        "driver": output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader").split("\n")[0],
        "driver_cuda": search(r"CUDA [A-Z ]*Version *: *([\d.]+)", output("nvidia-smi")),
        "cuda_toolkit": search(r"release [\d.]+, V([\d.]+)", output("nvcc", "--version")),
        "compute_sanitizer": search(r"Version ([\d.]+)", output("compute-sanitizer", "--version")),
        "compiler": output("c++", "--version").split("\n")[0],
        "cmake": search(r"version ([\d.]+)", output("cmake", "--version")),
        "python": search(r"Python ([\d.]+)", output(python, "--version")),
        **python_packages(python),
    }


def backend_of(work):
    """The device, with the CUDA, cuDNN and cuBLAS that tern's programs loaded, by whichever has said so."""
    said = (read_json(work / "run" / "summary.json") or {}).get("backend")
    for line in (read_json(work / "step.json") or {}).get("lines", []):
        said = said or line.get("backend")
    test = work / "tests-cuda_backend.log"
    return said or (search(r"(?m)^(cuda:\d+, .*)", test.read_text(errors="replace")) if test.exists() else None)


def versions(options):
    kept = options.work / "versions.json"
    if not kept.exists():
        kept.write_text(json.dumps(fixed_versions(options.python)))
    found = json.loads(kept.read_text())
    found["tern"] = ", ".join(output(options.build / "tern", "--version").splitlines())
    found["backend"] = backend_of(options.work)
    return found


def read_json(path):
    return json.loads(path.read_text()) if path.exists() else None


def read_table(path):
    """[{name, result, seconds}] of a file with a tab between them."""
    lines = [line.split("\t") for line in path.read_text().splitlines()] if path.exists() else []
    return [{"name": name, "result": result, "seconds": float(seconds)} for name, result, seconds in lines]


def program_results(work, step, logs):
    """Programs that were begun and did not end have a log and no line in the table."""
    rows = read_table(work / f"{step}.tsv")
    begun = [name.removeprefix(f"{step}-") for name in sorted(logs) if name.startswith(f"{step}-")]
    rows += [{"name": name, "result": "timed out", "seconds": 0} for name in begun
             if name not in [row["name"] for row in rows]]
    for row in rows:
        if row["result"] not in ("passed", "skipped"):
            row["output"] = logs.get(f"{step}-{row['name']}", "")
    return sorted(rows, key=lambda row: (row["result"] in ("passed", "skipped"), row["name"]))


def cut_off(steps, results):
    """What the clock left no time for, as lines."""
    lines = [f"{step['name']}: {step['result']}" for step in steps if step["result"] in ("timed out", "not run", "stopped")]
    for name, measured in results.items():
        rows = (measured or {}).get("left_out", [])
        lines += [f"{name}: " + " ".join(str(value) for key, value in row.items() if key != "why") for row in rows
                  if row["why"] == "time is up"]
    return lines


def table(title, rows):
    return ["", f"| {title} | result | seconds |", "|---|---|---|"] + [
        f"| {row['name']} | {row['result']} | {row['seconds']:g} |" for row in rows]


def counts(rows):
    results = [row["result"] for row in rows]
    order = ["passed", "failed", "timed out", "skipped"]
    return ", ".join(f"{results.count(result)} {result}" for result in order if result in results) or "none"


def fenced(text):
    """The last lines of a log as Markdown."""
    lines = text.strip().splitlines()
    note = [f"({len(lines) - LAST_LINES} lines before these)", ""] if len(lines) > LAST_LINES else []
    return ["", *note, "~~~~", *lines[-LAST_LINES:], "~~~~"]


def section(step, report, log):
    name = step["name"]
    lines = ["", f"## {name.replace('_', ' ')}: {step['result']}, {step['seconds']:g} s"]
    rows = report["programs"].get(name, [])
    if rows:
        lines += ["", counts(rows)] + table("test" if name == "tests" else "program", rows)
    if name in MARKDOWN:
        lines += ["", log.strip()]
    elif name == "training" or step["result"] not in ("passed", "not run"):
        lines += fenced(log)
    for row in rows:
        if "output" in row:
            lines += ["", f"### {row['name']}: {row['result']}"] + fenced(row["output"])
    return lines


def markdown(report, logs):
    title = {"right": "is it right", "fast": "how fast is it"}[report["call"]]
    lines = [f"# {report['gpu']}, {report['date']}, {title}: {report['result']}", ""]
    lines += [f"- {name}: {'unknown' if value in (None, '') else value}" for name, value in report["versions"].items()]
    lines += table("step", report["steps"])
    lines += ["", *report["truncation"]] if report["truncation"] else []
    lines += ["", "Cut off by the clock:", *(f"- {line}" for line in report["cut_off"])] if report["cut_off"] else []
    for step in report["steps"]:
        lines += section(step, report, logs.get(step["name"], ""))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", required=True)
    parser.add_argument("--call", choices=["right", "fast"], required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--report", type=pathlib.Path, required=True, help="without .md and .json")
    parser.add_argument("--python", default="python3", help="the interpreter of the peers")
    parser.add_argument("--finished", action="store_true")
    options = parser.parse_args()

    logs = {path.stem: path.read_text(errors="replace") for path in options.work.glob("*.log")}
    steps = read_table(options.work / "steps.tsv")
    passed = all(step["result"] in ("passed", "skipped") for step in steps)
    results = {"training_step": read_json(options.work / "step.json"), "kernels": read_json(options.work / "kernels.json")}
    report = {
        "gpu": options.gpu,
        "call": options.call,
        "date": datetime.datetime.now().isoformat(" ", "minutes"),
        "result": "unfinished" if not options.finished else "passed" if passed else "failed",
        "versions": versions(options),
        "steps": steps,
        "cut_off": cut_off(steps, results),
        "truncation": [line for name, log in logs.items() if name.startswith("tests-") for line in log.splitlines()
                       if line.startswith(TRUNCATION)],
        "programs": {step: program_results(options.work, step, logs) for step in OF_PROGRAMS},
        **results,
        "profile": [read_json(path) for path in sorted(options.work.glob("profile-*.json"))],
    }
    for ending, text in [("json", json.dumps(report, indent=1) + "\n"), ("md", markdown(report, logs))]:
        path = pathlib.Path(f"{options.report}.{ending}")
        beside = pathlib.Path(f"{path}.part")
        beside.write_text(text)
        beside.rename(path)  # whole, also where the machine goes away now


if __name__ == "__main__":
    main()
