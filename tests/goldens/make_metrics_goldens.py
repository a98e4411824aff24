#!/usr/bin/env python3
"""Writes metrics.txt: what scikit-learn and SciPy say of random, tied and extreme scores.

OSCR has no implementation there; it is computed here from its definition as a sum over pairs, O(n^2).
Needs numpy, scipy, scikit-learn.
"""
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn import metrics

from numpy_goldens import Goldens

goldens = Goldens("metrics.txt")
random = np.random.default_rng(5)


def ranking(name, seen, novel, seen_correct):
    """A higher score means more novel."""
    truth = np.concatenate([np.zeros(len(seen)), np.ones(len(novel))])
    scores = np.concatenate([seen, novel])

    def fpr_at_95(labels, values):
        fpr, tpr, _ = metrics.roc_curve(labels, values, drop_intermediate=False)
        return fpr[np.argmax(tpr >= 0.95)]

    fpr, tpr, thresholds = metrics.roc_curve(truth, scores, drop_intermediate=False)
    pairs = (seen[:, None] < novel[None, :]) + 0.5 * (seen[:, None] == novel[None, :])
    goldens.case(name)
    goldens.put(
        seen=seen, novel=novel, seen_correct=seen_correct,
        auroc=metrics.roc_auc_score(truth, scores),
        aupr_novel_positive=metrics.average_precision_score(truth, scores),
        aupr_seen_positive=metrics.average_precision_score(1 - truth, -scores),
        fpr_at_95_tpr_novel_positive=fpr_at_95(truth, scores),
        fpr_at_95_tpr_seen_positive=fpr_at_95(1 - truth, -scores),
        curve_fpr=fpr[1:], curve_tpr=tpr[1:], curve_threshold=thresholds[1:],
        oscr=(pairs * seen_correct[:, None]).sum() / pairs.size,
    )


def flags(count, rate=0.8):
    return (random.random(count) < rate).astype(int)


for name, seen_count, novel_count in ("random", 180, 130), ("few_novel", 200, 7), ("few_seen", 6, 150):
    seen, novel = random.normal(0, 1, seen_count), random.normal(0.8, 1.3, novel_count)
    ranking(name, seen, novel, flags(seen_count))
    ranking(name + "_tied", seen.round(), novel.round(), flags(seen_count))
ranking("one_each", np.array([0.25]), np.array([0.5]), np.array([1]))
ranking("all_equal", np.full(9, 2.0), np.full(5, 2.0), flags(9))
ranking("separated", np.linspace(0, 1, 20), np.linspace(2, 3, 11), np.ones(20, int))
ranking("upside_down", np.linspace(2, 3, 20), np.linspace(0, 1, 11), flags(20))
ranking("saturated", np.where(random.random(100) < 0.9, 0.0, random.random(100)),
        np.where(random.random(80) < 0.4, 0.0, random.random(80)), flags(100, 0.95))


def calibration(name, logits, labels, bins):
    logits = logits.astype(np.float32).astype(np.float64)
    probabilities = np.exp(log_softmax(logits, axis=1))
    # As float, which the engine keeps: a confidence may lie on a bin's edge.
    confidences = probabilities.max(axis=1).astype(np.float32).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    at = np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(at, minlength=bins)
    safe = np.maximum(count, 1)
    accuracy = np.bincount(at, weights=correct, minlength=bins) / safe
    confidence = np.bincount(at, weights=confidences, minlength=bins) / safe

    def nll(temperature):
        return -log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean()

    fit = minimize_scalar(lambda log_t: nll(np.exp(log_t)), bounds=(np.log(0.02), np.log(50)), method="bounded",
                          options=dict(xatol=1e-10))
    goldens.case(name)
    goldens.put(digits=9, logits=logits)
    goldens.put(
        labels=labels, confidences=confidences, correct=correct.astype(int), bins=bins,
        count=count, accuracy=accuracy, confidence=confidence,
        ece=(count / len(labels) * np.abs(accuracy - confidence)).sum(),
        nll=metrics.log_loss(labels, probabilities, labels=np.arange(logits.shape[1])),
        nll_at_2=nll(2.0), temperature=np.exp(fit.x), nll_fitted=fit.fun,
    )


for name, rows, classes, scale, bins in (
    ("overconfident", 150, 5, 6.0, 15), ("underconfident", 150, 4, 0.4, 10), ("two_classes", 60, 2, 3.0, 1),
    ("many_classes", 40, 50, 3.0, 20),
):
    labels = random.integers(classes, size=rows)
    logits = random.normal(size=(rows, classes))
    logits[np.arange(rows), labels] += 1.5
    calibration(name, scale * logits, labels, bins)


def distribution(name, values):
    values = values.astype(np.float32).astype(np.float64)
    goldens.case(name)
    goldens.put(digits=9, values=values)
    goldens.put(mean=values.mean(), deviation=values.std(),
                percentiles=np.percentile(values, [1, 5, 10, 25, 50, 75, 90, 95, 99]))


distribution("distribution", random.random(137))
distribution("distribution_tied", random.random(50).round(1))
distribution("distribution_one", np.array([0.625]))

truth, guess = random.integers(6, size=200), random.integers(6, size=200)
guess = np.where(random.random(200) < 0.6, truth, guess)
truth[truth == 4] = 5  # class 4 has answers but no images
goldens.case("confusion")
precision, recall, f1, _ = metrics.precision_recall_fscore_support(truth, guess, labels=range(6), zero_division=0)
goldens.put(truth=truth, guess=guess, matrix=metrics.confusion_matrix(truth, guess, labels=range(6)),
            precision=precision, recall=recall, f1=f1,
            balanced_accuracy=metrics.recall_score(truth, guess, labels=[0, 1, 2, 3, 5], average="macro"),
            accuracy=metrics.accuracy_score(truth, guess))
goldens.write()
