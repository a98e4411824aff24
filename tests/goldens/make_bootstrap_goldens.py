#!/usr/bin/env python3
"""Writes bootstrap.txt: percentile intervals of scipy.stats.bootstrap, 200,000 resamples each.

Needs numpy, scipy.
"""
import numpy as np
from scipy.stats import bootstrap

from numpy_goldens import Goldens

goldens = Goldens("bootstrap.txt")
random = np.random.default_rng(23)


def auroc(seen, novel, axis):
    assert axis == -1
    novel, seen = novel[..., :, None], seen[..., None, :]
    return ((novel > seen) + 0.5 * (novel == seen)).mean(axis=(-2, -1))


def mean_difference(seen, novel, axis):
    return novel.mean(axis=axis) - seen.mean(axis=axis)


def case(name, statistic, confidence, *groups):
    result = bootstrap(groups, statistic, n_resamples=200_000, batch=5_000, method="percentile",
                       confidence_level=confidence, vectorized=True, axis=-1, rng=np.random.default_rng(29))
    goldens.case(name)
    for group_name, group in zip(("seen", "novel"), groups):
        goldens.put(**{group_name: group})
    goldens.put(confidence=confidence, low=result.confidence_interval.low, high=result.confidence_interval.high,
                standard_error=result.standard_error)


def values(count, shift=0.0):
    return random.normal(shift, 1, count)


case("auroc", auroc, 0.95, values(40), values(25, 1.0))
case("auroc_tied", auroc, 0.95, values(40).round(), values(25, 1.0).round())
case("auroc_wide", auroc, 0.8, values(12), values(50, 0.3))
case("mean_difference", mean_difference, 0.95, values(60), values(20, 2.0))
case("median", np.median, 0.9, values(51))
goldens.write()
