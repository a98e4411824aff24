#!/usr/bin/env python3
"""The course: no lesson is solved as it stands, each says so with a hint, each bug is found, every solution is right, the rungs of the
ladders compute the same; wrong answers get the hints that are meant for them (learn_wrong.py), every hint has a program that it is for,
and a file that is no lesson is told as such.   check_learn.py BUILD"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import learn_wrong
from learn_wrong import LEARN
import hints  # of LEARN, which learn_wrong has put on the path

# What is said of each bug.
BUGS = {
    "01_missing_barrier": "read, but nobody has written it.*__syncthreads",
    "02_race": "nothing orders the two.*hint: one thread's write",
    "03_off_by_one": "after the end of .*guard",
    "04_bank_conflict": "bank conflicts .* more",
    "05_shuffle_in_a_branch": "__shfl_down_sync.*all lanes",
    "06_divided_barrier": "__syncthreads.*every thread of the block must reach",
    "07_lost_counts": "nothing orders the two.*hint:",
    "08_uninitialised": "read, but nobody has written it",
}

# How many times as long as the next one's a kernel's predicted time is at least.
GAINS = {
    "transpose": (("by_columns", 1.5, "by_padded_tiles"), ("by_tiles", 1.5, "by_padded_tiles"), ("by_padded_tiles", 1, "copy"),
                  ("by_swizzled_tiles", 1, "copy")),
    "reduction": (("by_atomics", 5, "scattered_tree"), ("scattered_tree", 1.1, "packed_tree"), ("packed_tree", 1.5, "many_each"),
                  ("many_each", 1, "by_shuffles"), ("by_shuffles", 1, "by_vectors")),
    "softmax": (("thread_per_row", 5, "block_per_row"), ("block_per_row", 1, "warp_per_row"), ("warp_per_row", 1, "in_registers<16>")),
    "batch_norm": (("thread_per_channel", 10, "block_per_channel"), ("block_per_channel", 5, "normalize")),
    "matmul": (("naive", 5, "coalesced"), ("coalesced", 1.2, "shared_tiles<16>"), ("shared_tiles<16>", 2, "register_tiles"),
               ("register_tiles", 1.4, "vector_loads"), ("vector_loads", 1, "double_buffered"), ("double_buffered", 6, "tensor_cores")),
    "convolution": (("direct", 10, "turned_weights"), ("implicit_gemm", 3, "register_tiles")),
}


def run(*arguments, learn=LEARN, cwd=None, **environment):
    done = subprocess.run([learn / "run", *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
                          env=os.environ | environment)
    return done.returncode, done.stdout


def fault_of_solution(key):
    code, said = run(key, "--solution")
    return "" if code == 0 and "right" in said else f"{key} --solution: wanted 0 and \"right\", got {code}:\n{said}"


def fault_of_bug(key):
    code, said = run(key)
    wanted = BUGS[key.split("/")[1]]
    if code != (0 if "more" in wanted else 1) or not re.search(wanted, said, re.DOTALL):
        return f"{key}: wanted {wanted!r}, got {code}:\n{said}"
    if code == 1 and not re.match(rf"tern: learn/{key}.cu:\d+: kernel ", said):
        return f"{key}: wanted to be told the kernel's line first, got:\n{said}"
    return ""


def fault_of_ladder(key):
    code, said = run(key)
    rungs = len(re.findall(r"^[ \d]\d  ", said, re.MULTILINE))
    if code != 0 or rungs < 4 or "WRONG" in said:
        return f"{key}: wanted 4 right rungs or more, got {code}:\n{said}"
    times = {kernel: float(time) * (1000 if unit == "ms" else 1)
             for kernel, time, unit in re.findall(r"^(\S+) .*?([\d.]+) (us|ms) ", said, re.MULTILINE)}
    lost = [f"{slower} at least {gain} times {faster}" for slower, gain, faster in GAINS[key.split("/")[1]]
            if not times.get(slower, 0) >= gain * times.get(faster, float("inf"))]
    return f"{key}: wanted the time of {', of '.join(lost)}, got\n{said}" if lost else ""


def fault_of_plain(key):
    code, said = run(key)
    if code != 1 or "not yet" not in said:
        return f"{key}: wanted 1 and \"not yet\" as it stands, got {code}:\n{said}"
    return fault_of_solution(key)


def fault_of_curves(key, plots):
    """A training's picture: well-formed, with axes that say what they are."""
    with tempfile.TemporaryDirectory() as folder:
        code, said = run(key, "--solution", TERN_CURVES=folder)
        told = re.search(r"^curves: (.*\.svg)$", said, re.MULTILINE)
        if code != 0 or "right: " not in said or told is None or not told.group(1).startswith(folder):
            return f"{key} --solution: wanted 0, \"right\" and curves in {folder}, got {code}:\n{said}"
        root = xml.etree.ElementTree.parse(told.group(1)).getroot()
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    curves = sum(element.get("class", "").startswith("curve") for element in root.iter("{http://www.w3.org/2000/svg}path"))
    missing = [text for text in plots if text not in texts]
    if missing or curves < 3 or sum(text.lstrip("-").replace(".", "").isdigit() for text in texts) < 10:
        return f"{key}: wanted a picture with {missing or 'curves and ticks'}, got {curves} curves and {texts}"
    return ""


# Names of no lesson, and the nearest; names of one in other letters or by number, and what is said of it.
NAMES = (("transpos", "the nearest: puzzles/13_transpose, ladders/transpose\n"), ("ladder/matmul", "the nearest: ladders/matmul,"),
         ("bug/race", "the nearest: bugs/02_race\n"), ("zzz", "none is like it; `learn/run` lists them all"),
         ("MAP", "in learn/puzzles/01_map.cu"), ("7", "in learn/puzzles/07_shared.cu"))


def fault_of_name(name, wanted):
    code, said = run(name)
    return "" if code == 1 and wanted in said else f"learn/run {name}: wanted 1 and {wanted!r}, got {code}: {said}"


def fault_of_list():
    code, said = run(cwd="/")
    wanted = ["puzzles/01_map ", "train/05_resnet ", "Begin with `learn/run map`"]
    missed = [text for text in wanted if text not in said]
    return f"learn/run: wanted 0 and {missed}, got {code}: {said}" if code != 0 or missed else ""


def told_by(programs, wanted, lines=None):
    """Runs each of a program's wrong answers. `lines`: what is printed to what a learner is told. Faults, and what was printed."""
    command, environment, folder, *warned = programs
    command = pathlib.Path(command).resolve()
    faults, printed = [], []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(lambda name: subprocess.run([command, name], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                                    timeout=120, env=os.environ | environment), wanted)
        for (name, (lesson, hint)), done in zip(wanted.items(), runs):
            said = "".join(line for line in warned if line.startswith(f"{name}.cu:")) + done.stdout
            told = lines(said, lesson) if lines else said
            printed.append(said)
            is_wrong = done.returncode != 0 or "nothing orders the two" in told  # what all threads write alike may be right
            if not is_wrong or not re.search(f"hint: .*{hint}", told):
                faults.append(f"{name}: wanted a hint with {hint!r}, got {done.returncode}:\n{told}")
    return faults, printed


def fault_of_kernels(build):
    """Of puzzles, wrong and right, of the bugs' solutions, and of whatever the emulator finds."""
    source, wanted, right = learn_wrong.kernel_programs()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "wrong.cu"
        file.write_text(source)
        learn_wrong.write_files(source, file.parent)
        done = subprocess.run([f"{build}/tern-profile", file, "--check", "--keep", "--patience", "1", "-I", LEARN.parent], text=True,
                              capture_output=True, env=os.environ | {"TMPDIR": folder})
        kept = re.search("^Kept: (.*)$", done.stdout, re.MULTILINE)
        if kept is None:
            return f"wrong.cu: wanted a program, got {done.returncode}:\n{done.stdout}{done.stderr}"
        program = pathlib.Path(kept.group(1)) / "wrong"
        programs = (program, {"TERN_PROGRAM_OPTIONS": str(program.parent / "options.txt")}, folder, *done.stderr.splitlines(keepends=True))
        faults, printed = told_by(programs, wanted, hints.verdict)
        for name in right:
            solved = subprocess.run([program, name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | programs[1])
            if solved.returncode != 0 or "right: " not in solved.stdout:
                faults.append(f"{name}, a solution: wanted 0 and \"right\", got {solved.returncode}:\n{solved.stdout}")
        shutil.rmtree(program.parent)
    first = [next((pattern for pattern, _ in hints.HINTS if re.search(pattern, text)), "") for text in printed]
    unused = [pattern for pattern, _ in hints.HINTS if pattern not in first]
    return "\n".join(faults + [f"hints.py: no program in learn_wrong.py gets the hint for {pattern!r}" for pattern in unused])


def fault_of_wrong_sources(build):
    """Of puzzles' answers that do not compile."""
    source, wanted = learn_wrong.wrong_sources()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "wrong.cu"
        file.write_text(source)
        done = subprocess.run([f"{build}/tern-profile", file, "--check", "-I", LEARN.parent], text=True, capture_output=True)
    faults = []
    for name, hint in wanted.items():
        told = hints.verdict("\n".join(line for line in done.stderr.splitlines() if line.startswith(f"{name}:")))
        if not re.search(f"hint: .*{hint}", told):
            faults.append(f"{name} of learn_wrong.py: wanted a hint with {hint!r}, got:\n{told}")
    return "\n".join(faults)


def fault_of_wrong_trainings(build):
    with tempfile.TemporaryDirectory() as folder:
        environment = {"TERN_CURVES": folder, "OMP_WAIT_POLICY": "passive"}
        return "\n".join(told_by((f"{build}/learn/wrong_answers", environment, folder), learn_wrong.train_programs()[1])[0])


# What may have become of a lesson's file: its name, what stands in it instead of what, what is said, and the exit code if not 1.
FILES = (
    ("puzzles/01_map.cu", r"(?s).*", "", "learn/puzzles/01_map.cu: wanted a lesson, got an empty file"),
    ("puzzles/01_map.cu", r"(?s)int main.*", "", "wanted the test with its main below '// ---- the test', got none"),
    ("bugs/02_race.cu", r"// ---- the test\n", "", "wanted a line '// ---- the test', which your code stands above"),
    ("puzzles/01_map.cu", r"// Your code.*", "y[threadIdx.x] = x[threadIdx.x] + 10",
     "learn/puzzles/01_map.cu:1\\d:\\d+: error: .*hint: a semicolon is missing"),
    ("puzzles/01_map.cu", r"// Your code.*", "{", "learn/puzzles/01_map.cu:\\d+:\\d+: error: .*hint: a brace is not closed"),
    ("puzzles/01_map.cu", r"// Your code.*", "}", "learn/puzzles/01_map.cu:1\\d:\\d+: error: .*hint: a } too many"),
    ("puzzles/02_guard.cu", r"// Your code.*", 'for (int k = 0; k < 30; ++k) printf("at %d\\n", k);',
     "at 19\n... and 1900 lines more\nnot yet: "),
    ("puzzles/01_map.cu", r"// Your code.*", 'while (true) printf("again\\n");',
     "again\n... and \\d+ lines more\ntern: learn/puzzles/01_map.cu:1[12]: .*hint: what ends the loop"),
    ("puzzles/01_map.cu", r"// Your code.*", "_Exit(3);", "ended with code 3 .*hint: does the kernel call exit"),
    ("puzzles/01_map.cu", r"// Your code.*", 'printf("here "); y[threadIdx.x] = 3;', "here \nnot yet: y"),
    ("ladders/transpose.cu", r"rows \+ row\] = x\[", "rows + row] = 2 * x[", " 1  by_columns .* WRONG\n.*checked at .*\nhint: what is WRONG"),
    ("puzzles/06_grid_stride.cu", r"// Your code.*", "for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i++) y[i] = x[i] * x[i];",
     "right: .*hint: each turn goes on by .*right, but for the hint above\n$", 0),
    ("puzzles/07_shared.cu", r"// Your code.*", "if (threadIdx.x == 0) for (int k = 0; k < 64; ++k) y[blockIdx.x * 64 + k] = x[blockIdx.x * 64 + 63 - k];",
     "can be better: sectors moved\nhint: one thread does the work of many", 0),
    ("puzzles/08_pooling.cu", r"// Your code.*", "int i = threadIdx.x; float s = x[i]; if (i > 0) s += x[i - 1]; if (i > 1) s += x[i - 2]; y[i] = s;",
     "can be better: sectors moved, sectors a load .*hint: memory is touched more often", 0),
    ("autograd/01_scalar_tape.cpp", r"(?s).*", "", "wanted a lesson, got an empty file"),
    ("autograd/01_scalar_tape.cpp", r"// Your code: one line.", "x->gradient = ;",
     "learn/autograd/01_scalar_tape.cpp:5\\d:.* error: .*a value, or a name, is missing"),
    ("autograd/01_scalar_tape.cpp", r"// Your code: one line.", "while (x) x->gradient += 1;",
     "has computed for 3 s .*hint: what ends each loop"),
    ("autograd/01_scalar_tape.cpp", r"// Your code: one line.", "y.inputs[7]->gradient += 1;",
     "not yet: learn/autograd/01_scalar_tape.cpp:5\\d: an index or a pointer to no memory\nhint: "),
    ("autograd/01_scalar_tape.cpp", r"// Your code: two lines.", "a->gradient += a->value * y.gradient;", "hint: y = a b grows by b"),
    ("autograd/02_tensor_tape.cpp", r"// Your code: two lines,.*", "add_to(a->gradient, product(b->value, y.gradient));",
     "not yet: learn/autograd/02_tensor_tape.cpp:1\\d\\d: wanted a product of .*hint: dy is"),
    ("train/01_two_moons.cpp", r"(?s).*", "", "learn/train/01_two_moons.cpp: wanted a lesson, got an empty file"),
    ("train/02_overfitting.cpp", r"(?s)int main.*", "", "wanted the test with its main below '// ---- the test', got none"),
)


def fault_of_file(name, pattern, instead, wanted, wanted_code=1):
    with tempfile.TemporaryDirectory() as folder:
        learn = pathlib.Path(shutil.copytree(LEARN, pathlib.Path(folder) / "learn"))
        lesson = learn / name
        lesson.write_text(re.sub(pattern, lambda _: instead, lesson.read_text(), count=1))
        code, said = run(name, learn=learn)
    return "" if code == wanted_code and re.search(wanted, said, re.DOTALL) else f"{name} with {instead!r}: wanted {wanted!r}, got {code}:\n{said}"


def main():
    build = os.environ["TERN_BUILD"] = sys.argv[1]
    kinds = {"bugs": fault_of_bug, "ladders": fault_of_ladder}
    work = [(check, (f"{kind}/{path.stem}",)) for kind, check in kinds.items() for path in sorted((LEARN / kind).glob("*.cu"))]
    work += [(fault_of_plain, (f"autograd/{name}",)) for name in ("01_scalar_tape", "02_tensor_tape")]
    work += [(fault_of_solution, (key,)) for key in ("puzzles/13_transpose", "bugs/02_race", "autograd/03_own_op")] + [(fault_of_list, ())]
    work += [(fault_of_name, name) for name in NAMES]
    work += [(fault_of_curves, ("train/01_two_moons", ("step", "cross-entropy (nats)", "points told right (%)", "moon 1"))),
             (fault_of_curves, ("train/03_learning_rate", ("step", "part of the rate", "warm-up and cosine")))]
    work += [(fault_of_kernels, (build,)), (fault_of_wrong_sources, (build,)), (fault_of_wrong_trainings, (build,))]
    work += [(fault_of_file, file) for file in FILES]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(lambda item: item[0](*item[1]), work) if fault]
    print("\n".join(faults) or f"{len(work)} lessons and wrong answers")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
