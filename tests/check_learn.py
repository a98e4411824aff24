#!/usr/bin/env python3
"""The course: no puzzle is solved as it stands, each says so with a hint, each bug is found, every solution is right, and the rungs
of the ladders compute the same.   check_learn.py BUILD"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

LEARN = pathlib.Path(__file__).resolve().parent.parent / "learn"

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


def run(*arguments):
    done = subprocess.run([LEARN / "run", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    return done.returncode, done.stdout


def fault_of_puzzle(key):
    code, said = run(key)
    if code != 1 or "not yet" not in said or "hint" not in said:
        return f"{key}: wanted 1, \"not yet\" and a hint as it stands, got {code}:\n{said}"
    return fault_of_solution(key)


def fault_of_solution(key):
    code, said = run(key, "--solution")
    return "" if code == 0 and "right" in said else f"{key} --solution: wanted 0 and \"right\", got {code}:\n{said}"


def fault_of_bug(key):
    code, said = run(key)
    wanted = BUGS[key.split("/")[1]]
    if code != (0 if "more" in wanted else 1) or not re.search(wanted, said, re.DOTALL):
        return f"{key}: wanted {wanted!r}, got {code}:\n{said}"
    return fault_of_solution(key)


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


def fault_of_name():
    code, said = run("transpos")
    return "" if code == 1 and "puzzles/13_transpose" in said else f"transpos: wanted the nearest names, got {code}: {said}"


def main():
    os.environ["TERN_BUILD"] = sys.argv[1]
    kinds = {"puzzles": fault_of_puzzle, "bugs": fault_of_bug, "ladders": fault_of_ladder}
    work = [(check, (f"{kind}/{path.stem}",)) for kind, check in kinds.items() for path in sorted((LEARN / kind).glob("*.cu"))]
    work += [(fault_of_plain, (f"autograd/{name}",)) for name in ("01_scalar_tape", "02_tensor_tape")] + [(fault_of_name, ())]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(lambda item: item[0](*item[1]), work) if fault]
    print("\n".join(faults) or f"{len(work)} lessons")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
