#!/usr/bin/env python3
"""Writes risk_coverage.txt: AURC and AUGRC of torch-uncertainty 0.13.0 over scores without ties.

It integrates from a coverage of 1 / rows, in single precision, and divides by that range's width; the test makes up
for both. It warns that update() was not called: its lists are filled here, with scores that no softmax made.
Needs numpy, torch, torch-uncertainty[cpu]==0.13.0.
"""
import numpy as np
import torch
from torch_uncertainty.metrics.classification import AUGRC, AURC

from numpy_goldens import Goldens

goldens = Goldens("risk_coverage.txt")
random = np.random.default_rng(17)


def area(metric, scores, failures):
    metric.set_dtype(torch.float64)
    metric.scores.append(torch.tensor(-scores))  # a confidence
    metric.errors.append(torch.tensor(failures, dtype=torch.float64))
    return metric.compute().item()


def case(name, scores, failures):
    assert len(np.unique(scores)) == len(scores)
    goldens.case(name)
    goldens.put(scores=scores, failures=failures.astype(int), aurc=area(AURC(), scores, failures),
                augrc=area(AUGRC(), scores, failures))


for name, rows, rate, shift in ("useful", 150, 0.3, 1.5), ("useless", 80, 0.6, 0.0), ("misleading", 60, 0.2, -2.0):
    failures = random.random(rows) < rate
    case(name, random.normal(size=rows) + shift * failures, failures)
case("all_failures", random.normal(size=12), np.ones(12, bool))
case("no_failures", random.normal(size=12), np.zeros(12, bool))
case("two_rows", np.array([2.0, 1.0]), np.array([False, True]))
goldens.write()
