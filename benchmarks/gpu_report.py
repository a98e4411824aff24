#!/usr/bin/env python3
"""Gathers what scripts/gpu_check.sh found into RESULTS/<gpu>-<date>.md and .json.

    gpu_report.py --gpu NAME --work DIR --results DIR

DIR holds steps.tsv (name, passed or failed, seconds), a log for each step, and where the steps ran tests.xml (JUnit),
kernels.json and step.json.
"""
import argparse
import datetime
import json
import pathlib
import re
import subprocess
import xml.etree.ElementTree


def output(command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def versions():
    nvcc = re.search(r"release ([\d.]+)", output(["nvcc", "--version"]))
    return {
        "commit": output(["git", "rev-parse", "--short", "HEAD"]) or "unknown (no git)",
        "changed_files": len(output(["git", "status", "--porcelain"]).splitlines()),
        "driver": output(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]).split("\n")[0],
        "cuda": nvcc.group(1) if nvcc else "unknown",
        "compiler": output(["c++", "--version"]).split("\n")[0],
    }


def test_results(path):
    """[(name, passed, failed or skipped, seconds)] of ctest's JUnit file."""
    if not path.exists():
        return []
    results = []
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        status = case.get("status", "run")
        outcome = {"run": "passed", "fail": "failed"}.get(status, "skipped")
        results.append((case.get("name"), outcome, float(case.get("time", 0))))
    return results


def read_json(path):
    return json.loads(path.read_text()) if path.exists() else None


def markdown(report, logs):
    lines = [f"# {report['gpu']}, {report['date']}", ""]
    lines += [f"- {key}: {value}" for key, value in report["versions"].items()]
    lines += ["", "| step | result | seconds |", "|---|---|---|"]
    lines += [f"| {step['name']} | {step['result']} | {step['seconds']} |" for step in report["steps"]]
    for name in ["demo", "kernels", "training_step"]:
        if name in logs:
            lines += ["", f"## {name.replace('_', ' ')}", "", logs[name].strip()]
    if report["tests"]:
        lines += ["", "## tests", "", "| test | result | seconds |", "|---|---|---|"]
        lines += [f"| {test['name']} | {test['result']} | {test['seconds']:.1f} |" for test in report["tests"]]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    options = parser.parse_args()

    steps = [line.split("\t") for line in (options.work / "steps.tsv").read_text().splitlines()]
    report = {
        "gpu": options.gpu,
        "date": datetime.date.today().isoformat(),
        "versions": versions(),
        "steps": [{"name": name, "result": result, "seconds": int(seconds)} for name, result, seconds in steps],
        "tests": [{"name": name, "result": result, "seconds": seconds}
                  for name, result, seconds in test_results(options.work / "tests.xml")],
        "kernels": read_json(options.work / "kernels.json"),
        "training_step": read_json(options.work / "step.json"),
    }
    logs = {path.stem: path.read_text(errors="replace") for path in options.work.glob("*.log")}
    slug = re.sub(r"[^a-z0-9]+", "-", options.gpu.lower()).strip("-")
    options.results.mkdir(parents=True, exist_ok=True)
    stem = options.results / f"{slug}-{report['date']}"
    stem.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    stem.with_suffix(".md").write_text(markdown(report, logs))
    print(f"{stem}.md: " + ", ".join(f"{step['name']} {step['result']}" for step in report["steps"]))


if __name__ == "__main__":
    main()
