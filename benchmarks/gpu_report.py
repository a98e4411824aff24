#!/usr/bin/env python3
"""Writes what scripts/gpu_check.sh has found so far into REPORT.md and REPORT.json.

    gpu_report.py --gpu NAME --work DIR --build DIR --report REPORT [--python PYTHON] [--finished]

DIR of --work holds steps.tsv (name, result, seconds), a log for each step that was begun and, where the steps came so
far, the sanitizers' <tool>.tsv (program, result, seconds) and <tool>-<program>.log, run/summary.json of the
demonstration, kernels.json and step.json. A report
without --finished says that the check was going on when it was written.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess

LAST_LINES = 200  # of a failed step's log
SANITIZERS = ["memcheck", "racecheck"]
MARKDOWN = ["kernels", "training_step"]  # steps that print their results as Markdown


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


def fixed_versions(python):
    """What does not change from step to step."""
    # A copy without .git may lie in somebody else's repository.
    commit = output("git", "rev-parse", "--short=12", "HEAD") if pathlib.Path(".git").exists() else ""
    return {
        "commit": commit or os.environ.get("TERN_COMMIT") or "unknown",
        "changed_files": len(output("git", "status", "--porcelain").splitlines()) if commit else None,
        "driver": output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader").split("\n")[0],
        "driver_cuda": search(r"CUDA [A-Z ]*Version *: *([\d.]+)", output("nvidia-smi")),
        "cuda_toolkit": search(r"release [\d.]+, V([\d.]+)", output("nvcc", "--version")),
        "compute_sanitizer": search(r"Version ([\d.]+)", output("compute-sanitizer", "--version")),
        "compiler": output("c++", "--version").split("\n")[0],
        "cmake": search(r"version ([\d.]+)", output("cmake", "--version")),
        "python": search(r"Python ([\d.]+)", output(python, "--version")),
        **python_packages(python),
    }


def versions(options):
    kept = options.work / "versions.json"
    if not kept.exists():
        kept.write_text(json.dumps(fixed_versions(options.python)))
    found = json.loads(kept.read_text())
    found["tern"] = ", ".join(output(options.build / "tern", "--version").splitlines())
    # The device with the cuDNN and cuBLAS that the program loads, of the demonstration's training.
    found["backend"] = (read_json(options.work / "run" / "summary.json") or {}).get("backend")
    return found


def test_results(log):
    """[{name, result, seconds, output if it failed}] of what ctest prints, which unlike its files is there when it was
    stopped:   3/9 Test  #7: test_x .....   Passed    0.52 sec     or ***Failed, and after it the test's output"""
    line = re.compile(r" *\d+/\d+ Test +#\d+: (\S+) \.*(?: +|\*\*\*)(\S.*?) +([\d.]+) sec")
    names = {"Passed": "passed", "Skipped": "skipped", "Timeout": "timed out"}
    results, failed = [], None
    for text in log.splitlines():
        found = line.match(text)
        if found:
            result = names.get(found.group(2), "failed")
            results.append({"name": found.group(1), "result": result, "seconds": float(found.group(3))})
            failed = results[-1] if result in ("failed", "timed out") else None
        elif re.match(r" +Start +\d+: |\d+% tests passed", text):
            failed = None
        elif failed is not None:
            failed["output"] = failed.get("output", "") + text + "\n"
    return results


def read_json(path):
    return json.loads(path.read_text()) if path.exists() else None


def read_table(path):
    """[{name, result, seconds}] of a file with a tab between them."""
    lines = [line.split("\t") for line in path.read_text().splitlines()] if path.exists() else []
    return [{"name": name, "result": result, "seconds": float(seconds)} for name, result, seconds in lines]


def sanitizer_results(work, tool, logs):
    """Programs that were begun and did not end have a log and no line in the table."""
    rows = read_table(work / f"{tool}.tsv")
    begun = [name.removeprefix(f"{tool}-") for name in sorted(logs) if name.startswith(f"{tool}-")]
    rows += [{"name": name, "result": "timed out", "seconds": 0} for name in begun
             if name not in [row["name"] for row in rows]]
    for row in rows:
        if row["result"] != "passed":
            row["output"] = logs.get(f"{tool}-{row['name']}", "")
    return rows


def table(title, rows):
    return ["", f"| {title} | result | seconds |", "|---|---|---|"] + [
        f"| {row['name']} | {row['result']} | {row['seconds']:g} |" for row in rows]


def counts(rows):
    results = [row["result"] for row in rows]
    return ", ".join(f"{results.count(result)} {result}" for result in dict.fromkeys(results)) or "none"


def fenced(text):
    """The last lines of a log as Markdown."""
    lines = text.strip().splitlines()
    note = [f"({len(lines) - LAST_LINES} lines before these)", ""] if len(lines) > LAST_LINES else []
    return ["", *note, "~~~~", *lines[-LAST_LINES:], "~~~~"]


def section(step, report, log):
    name = step["name"]
    lines = ["", f"## {name.replace('_', ' ')}: {step['result']}, {step['seconds']:g} s"]
    rows = report["tests"] if name == "tests" else report["sanitizers"].get(name, [])
    if rows:
        lines += ["", counts(rows)] + table("test" if name == "tests" else "program", rows)
    if name in MARKDOWN:
        lines += ["", log.strip()]
    elif name == "demo" or step["result"] not in ("passed", "not run"):
        lines += fenced(log)
    for row in rows:
        if "output" in row:
            lines += ["", f"### {row['name']}: {row['result']}"] + fenced(row["output"])
    return lines


def markdown(report, logs):
    lines = [f"# {report['gpu']}, {report['date']}: {report['result']}", ""]
    lines += [f"- {name}: {'unknown' if value in (None, '') else value}" for name, value in report["versions"].items()]
    lines += table("step", report["steps"])
    for step in report["steps"]:
        lines += section(step, report, logs.get(step["name"], ""))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--report", type=pathlib.Path, required=True, help="without .md and .json")
    parser.add_argument("--python", default="python3", help="the interpreter of the peers")
    parser.add_argument("--finished", action="store_true")
    options = parser.parse_args()

    logs = {path.stem: path.read_text(errors="replace") for path in options.work.glob("*.log")}
    steps = read_table(options.work / "steps.tsv")
    passed = all(step["result"] == "passed" for step in steps)
    report = {
        "gpu": options.gpu,
        "date": datetime.datetime.now().isoformat(" ", "minutes"),
        "result": "unfinished" if not options.finished else "passed" if passed else "failed",
        "versions": versions(options),
        "steps": steps,
        "tests": test_results(logs.get("tests", "")),
        "sanitizers": {tool: sanitizer_results(options.work, tool, logs) for tool in SANITIZERS},
        "kernels": read_json(options.work / "kernels.json"),
        "training_step": read_json(options.work / "step.json"),
    }
    for ending, text in [("json", json.dumps(report, indent=1) + "\n"), ("md", markdown(report, logs))]:
        path = pathlib.Path(f"{options.report}.{ending}")
        beside = pathlib.Path(f"{path}.part")
        beside.write_text(text)
        beside.rename(path)  # whole, also where the machine goes away now


if __name__ == "__main__":
    main()
