#!/usr/bin/env python3
"""Writes novelty_scores.txt: novelty scores of small random data by NumPy, SciPy and scikit-learn.

KNN is scikit-learn's, Mahalanobis distances are those of its EmpiricalCovariance, ShrunkCovariance and LedoitWolf,
Weibull distributions are fitted by SciPy, ViM is its paper's formulas in NumPy,
OpenMax is written out from the paper with SciPy's Weibull. Higher means more novel.
Needs numpy, scipy, scikit-learn.
"""
import numpy as np
from scipy.special import logsumexp, softmax
from scipy.stats import weibull_min
from sklearn.covariance import EmpiricalCovariance, LedoitWolf, ShrunkCovariance
from sklearn.neighbors import NearestNeighbors

from numpy_goldens import Goldens

goldens = Goldens("novelty_scores.txt")
random = np.random.default_rng(11)


def f32(values):
    """As the engine holds them."""
    return values.astype(np.float32).astype(np.float64)


def max_softmax(logits, known, temperature=1.0):
    others = softmax(logits / temperature, axis=1)
    best = np.argmax(np.where(known, logits, -np.inf), axis=1)
    others[np.arange(len(logits)), best] = 0  # summed, so that 1 - p keeps its digits
    return others.sum(axis=1)


def gen(logits, known, gamma=0.1, largest=10):
    p = -np.sort(-softmax(logits[:, known], axis=1), axis=1)
    rest = np.cumsum(p[:, ::-1], axis=1)[:, ::-1] - p  # 1 - p of the first keeps its digits
    rest[:, 1:] = 1 - p[:, 1:]
    return (p**gamma * rest**gamma)[:, :largest].sum(axis=1)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def knn(train, test, k):
    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(unit(train)).kneighbors(unit(test))[0][:, -1]


def mahalanobis(train, labels, test, make):
    """min over classes and the relative score; `make` fits a covariance to centred rows, whose shrinkage the
    covariance of all rows together shares."""
    classes = np.unique(labels)
    means = np.stack([train[labels == c].mean(axis=0) for c in classes])
    within = train - means[np.searchsorted(classes, labels)]
    shared = make().fit(within)
    shrinkage = getattr(shared, "shrinkage_", getattr(shared, "shrinkage", 0.0))
    scale = (within**2).sum(axis=1).mean() / train.shape[1]
    total = (1 - shrinkage) * np.cov(train.T, bias=True) + shrinkage * scale * np.eye(train.shape[1])
    offset = test - train.mean(axis=0)
    nearest = np.min([shared.mahalanobis(test - m) for m in means], axis=0)
    return nearest, nearest - (offset * np.linalg.solve(total, offset.T).T).sum(axis=1), shrinkage


def vim(train, train_logits, test, test_logits, known, origin, dimension):
    covariance = EmpiricalCovariance(assume_centered=True).fit(train - origin).covariance_
    values, vectors = np.linalg.eigh(covariance)
    space = vectors[:, np.argsort(values * -1)[dimension:]]
    train_residual = np.linalg.norm((train - origin) @ space, axis=1)
    alpha = train_logits[:, known].max(axis=1).mean() / train_residual.mean()
    return alpha, np.linalg.norm((test - origin) @ space, axis=1) * alpha - logsumexp(test_logits[:, known], axis=1)


def openmax(train_logits, labels, test_logits, known, tail, top):
    columns = np.flatnonzero(known)
    train, test = train_logits[:, columns], test_logits[:, columns]
    answers = columns[train.argmax(axis=1)]
    models = []
    for c in columns:
        right = train[(labels == c) & (answers == c)]
        mean = right.mean(axis=0)
        farthest = np.sort(np.linalg.norm(right - mean, axis=1))[-tail:]
        shape, _, scale = weibull_min.fit(farthest - farthest.min() + 1, floc=0)
        models.append((mean, farthest.min(), shape, scale))
    scores = []
    top = min(top, len(columns))
    for row, whole in zip(test, test_logits):
        revised, unknown = row.copy(), 0.0
        for rank, c in enumerate(np.argsort(-row, kind="stable")[:top]):
            mean, least, shape, scale = models[c]
            weight = (top - rank) / top * weibull_min.cdf(np.linalg.norm(row - mean) + 1 - least, shape, scale=scale)
            revised[c] = row[c] * (1 - weight)
            unknown += row[c] * weight
        others = whole[~known]
        probabilities = softmax(np.concatenate([revised, [unknown], others]))
        best = probabilities[: len(columns)].argmax()
        scores.append(np.log(np.delete(probabilities, best).sum() / probabilities[best]))
    return models, np.array(scores)


def problem(name, train_count, test_count, features, classes, known, dimension, k, tail, top, spread=1.0):
    known = np.array(known, bool)
    labels = np.flatnonzero(known)[random.integers(known.sum(), size=train_count)]
    centres = random.normal(0, spread, (classes, features))

    def rows(of):
        return f32(np.maximum(centres[of] + random.normal(0, 1, (len(of), features)), 0) + 0.01)

    train, test = rows(labels), rows(random.integers(classes, size=test_count))
    test[::3] = f32(test[::3] * 0.5 + random.random(test[::3].shape))
    weight = f32(2 * (centres - centres.mean(axis=0)) / np.sqrt(features) + 0.1 * random.normal(size=centres.shape))
    bias = f32(random.normal(0, 0.5, classes))
    train_logits, test_logits = f32(train @ weight.T + bias), f32(test @ weight.T + bias)
    threshold = f32(np.percentile(train, 90))
    origin = f32(-np.linalg.pinv(weight) @ bias)
    alpha, vim_scores = vim(train, train_logits, test, test_logits, known, origin, dimension)
    models, openmax_scores = openmax(train_logits, labels, test_logits, known, tail, top)
    empirical = mahalanobis(train, labels, test, lambda: EmpiricalCovariance(assume_centered=True))
    shrunk = mahalanobis(train, labels, test, lambda: ShrunkCovariance(shrinkage=0.2, assume_centered=True))
    wolf = mahalanobis(train, labels, test, lambda: LedoitWolf(assume_centered=True))

    goldens.case(name)
    goldens.put(digits=9, train=train, test=test, weight=weight, bias=bias, train_logits=train_logits,
                test_logits=test_logits, origin=origin)
    goldens.put(
        digits=12, labels=labels, known=known.astype(int), dimension=dimension, k=k, tail=tail, top=top,
        max_softmax=max_softmax(test_logits, known), temperature_scaled=max_softmax(test_logits, known, 2.5),
        max_logit=-test_logits[:, known].max(axis=1), energy=-logsumexp(test_logits[:, known], axis=1),
        gen=gen(test_logits, known), gen_2=gen(test_logits, known, 0.4, 2),
        energy_at_2=-2 * logsumexp(test_logits[:, known] / 2, axis=1), react_threshold=threshold,
        react=-logsumexp((np.minimum(test, threshold) @ weight.T + bias)[:, known], axis=1),
        knn=knn(train, test, k), alpha=alpha, vim=vim_scores, openmax=openmax_scores,
        weibull_shape=[m[2] for m in models], weibull_scale=[m[3] for m in models],
    )
    normalized = mahalanobis(unit(train), labels, unit(test), lambda: ShrunkCovariance(shrinkage=0.2, assume_centered=True))
    for method, (nearest, relative, shrinkage) in dict(
        empirical=empirical, shrunk=shrunk, wolf=wolf, normalized=normalized
    ).items():
        goldens.put(digits=12, **{f"mahalanobis_{method}": nearest, f"relative_{method}": relative,
                                  f"shrinkage_{method}": shrinkage})


problem("all_known", 150, 40, 6, 4, [1, 1, 1, 1], dimension=3, k=5, tail=20, top=10)
problem("novel_column", 160, 40, 9, 6, [1, 1, 0, 1, 1, 0], dimension=5, k=1, tail=8, top=3, spread=2.0)
problem("few_rows", 60, 30, 16, 3, [1, 1, 1], dimension=10, k=60, tail=50, top=2, spread=1.5)

for name, values in (
    ("weibull", weibull_min.rvs(2.5, scale=3, size=40, random_state=random)),
    ("weibull_heavy", weibull_min.rvs(0.6, scale=0.01, size=200, random_state=random)),
    ("weibull_narrow", 100 + random.random(20)),
):
    shape, _, scale = weibull_min.fit(values, floc=0, method="MLE")
    points = np.quantile(values, [0, 0.2, 0.5, 0.9]) * 1.01
    goldens.case(name)
    goldens.put(values=values, shape=shape, scale=scale, points=points,
                cumulative=weibull_min.cdf(points, shape, scale=scale))
goldens.write()
