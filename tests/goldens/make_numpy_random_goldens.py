#!/usr/bin/env python3
"""Writes numpy_random.txt: draws of NumPy (any version from 1.17) for test_numpy_random.

A line is a kind, its arguments, and the answer. Lists of more than 24 values are given as their first and last eight
values and a checksum, sum((position + 1) * value) mod 2^64, which sees both the values and their order.
"""
import pathlib

import numpy as np


def listed(values):
    values = [int(v) for v in values]
    checksum = sum((i + 1) * v for i, v in enumerate(values)) % 2**64
    shown = values if len(values) <= 24 else values[:8] + values[-8:]
    return f"{checksum} {len(shown)} " + " ".join(map(str, shown))


SEEDS = [0, 1, 42, 43, 123, 124, 2**31, 2**32 - 1, 2**32, 2**63 + 12345, 2**64 - 1]
CHOICES = [
    (1, 1), (1, 0), (2, 1), (2, 2), (5, 5), (87, 13), (88, 13), (100, 100), (948, 94), (5000, 500), (5340, 534),
    (6288, 628), (9999, 9999), (10000, 10000), (10000, 201), (10001, 200), (10001, 201), (11288, 1128), (20000, 20000),
    (50000, 1000), (50000, 1001), (2**31, 10), (2**32, 10), (2**32 + 1, 10), (3 * 2**40, 20), (2**62, 20),
]  # fmt: skip
lines = []
for seed in SEEDS:
    raw = np.random.PCG64(seed).random_raw(6)
    lines.append(f"raw {seed} " + " ".join(str(int(v)) for v in raw))
    for population, size in CHOICES:
        drawn = np.random.default_rng(seed).choice(population, size, replace=False)
        lines.append(f"choice {seed} {population} {size} {listed(drawn)}")
    # An odd number of 32-bit draws leaves half a word for the next call.
    generator = np.random.default_rng(seed)
    for population, size in [(5340, 533), (5000, 500), (11, 4), (12000, 1200), (3 * 2**40, 3), (77, 5)]:
        drawn = generator.choice(population, size, replace=False)
        lines.append(f"next {seed} {population} {size} {listed(drawn)}")
    if seed < 2**32:
        for count in [0, 1, 2, 3, 10, 623, 624, 625, 1034, 1128, 9306, 10160, 70000]:
            lines.append(f"permutation {seed} {count} {listed(np.random.RandomState(seed).permutation(count))}")

pathlib.Path(__file__).with_name("numpy_random.txt").write_text("\n".join(lines) + "\n")
