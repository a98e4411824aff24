#!/usr/bin/env python3
"""Writes novelty_calibration.txt: scikit-learn's logistic regressions of novelty on a score, with Platt's targets.

A target between 0 and 1 is given to LogisticRegression as two rows that share a weight of 1. Without a penalty it is
scikit-learn's own sigmoid calibration, which knows these targets.
Needs numpy, scikit-learn 1.9 (whose _SigmoidCalibration is not public).
"""
import numpy as np
from sklearn.calibration import _SigmoidCalibration
from sklearn.linear_model import LogisticRegression

from numpy_goldens import Goldens

goldens = Goldens("novelty_calibration.txt")
random = np.random.default_rng(31)


def platt_targets(seen, novel):
    return np.r_[np.full(len(seen), 1 / (len(seen) + 2)), np.full(len(novel), (len(novel) + 1) / (len(novel) + 2))]


def case(name, seen, novel, penalty):
    scores = np.r_[seen, novel]
    probes = np.linspace(scores.min() - scores.std(), scores.max() + scores.std(), 9)
    if penalty == 0:
        fit = _SigmoidCalibration().fit(scores, np.r_[np.zeros(len(seen)), np.ones(len(novel))])
        probabilities = fit.predict(probes)
    else:
        targets = platt_targets(seen, novel)
        x = ((scores - scores.mean()) / scores.std())[:, None]
        fit = LogisticRegression(C=1 / penalty, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
        fit.fit(np.r_[x, x], np.r_[np.ones(len(x)), np.zeros(len(x))], sample_weight=np.r_[targets, 1 - targets])
        probabilities = fit.predict_proba(((probes - scores.mean()) / scores.std())[:, None])[:, 1]
    goldens.case(name)
    goldens.put(seen=seen, novel=novel, penalty=penalty, probes=probes, probabilities=probabilities)


for penalty in (0, 1, 30):
    case(f"overlapping_{penalty}", random.normal(0, 1, 120), random.normal(1.2, 1.5, 80), penalty)
    case(f"separated_{penalty}", random.normal(-50, 1, 40), random.normal(50, 1, 25), penalty)
    case(f"few_novel_{penalty}", random.normal(1e3, 5, 150), random.normal(1.01e3, 5, 6), penalty)
    case(f"upside_down_{penalty}", random.normal(2e-3, 1e-3, 60), random.normal(1e-3, 1e-3, 60), penalty)
case("one_each_1", np.array([0.5]), np.array([2.0]), 1)
case("skewed_1", random.exponential(1, 100), np.exp(random.normal(2, 2, 90)), 1)
goldens.write()
