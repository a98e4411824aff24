#!/usr/bin/env python3
"""tern's novelty scores beside those of pytorch-ood, on the same features and logits of real images.

    tern dump --run RUN --out DUMP.safetensors
    tern evaluate --run RUN                                 # writes RUN/evaluation.json
    python3 novelty_scores.py DUMP.safetensors RUN/evaluation.json

For a run with a linear subclass head and held-out subclasses. AUROC in percent of held-out subclasses against seen ones.
pytorch-ood has no ReAct on features and no shrunk covariance: ReAct is its class with the features as feature maps, and
where tern shrinks as Ledoit and Wolf say, pytorch-ood adds 1e-6 to the sum of squares. tern's softmax has the novel class,
too, where CIFAR images were trained on. Needs pytorch-ood (0.4.0 was used), torch, scikit-learn, safetensors.
"""
import argparse
import json
import sys
import warnings

import numpy as np
import torch
from pytorch_ood.detector import (GEN, KNN, RMD, EnergyBased, Mahalanobis, MaxLogit, MaxSoftmax, OpenMax, ReAct,
                                  TemperatureScaling, ViM)
from safetensors import safe_open
from sklearn.metrics import roc_auc_score

PARTS = {"train": 0, "validation": 1, "pseudo_novel": 2}


class Dump:
    """The subclass level: features, logits of known classes and labels among them, by part; CIFAR images left out."""

    def __init__(self, file):
        with safe_open(file, "numpy") as dump:
            metadata = dump.metadata()
            tensors = {name: dump.get_tensor(name) for name in dump.keys()}
        held_out = json.loads(metadata["held_out_subclasses"])
        labels = tensors["subclasses"]
        known = [c for c in range(tensors["sub_logits"].shape[1] - 1) if c not in held_out]
        column = np.full(tensors["sub_logits"].shape[1], -1)
        column[known] = np.arange(len(known))
        own = tensors["is_extra"] == 0
        self.features, self.logits, self.labels = {}, {}, {}
        for part, number in PARTS.items():
            rows = own & (tensors["part"] == number)
            self.features[part] = torch.from_numpy(tensors["sub_features"][rows]).double()
            self.logits[part] = torch.from_numpy(tensors["sub_logits"][rows][:, known]).double()
            self.labels[part] = torch.from_numpy(column[labels[rows]])

    def head(self):
        """Weight and bias of the known classes, from rows of features and logits."""
        x = torch.cat(list(self.features.values()))
        y = torch.cat(list(self.logits.values()))
        solution = torch.linalg.lstsq(torch.cat([x, torch.ones(len(x), 1)], 1), y).solution
        return solution[:-1].T.contiguous(), solution[-1].contiguous()


def unit(x):
    return x / x.norm(dim=1, keepdim=True)


def peer_scores(dump, temperature):
    """name -> function of a part."""
    train_x, train_y = dump.features["train"], dump.labels["train"]
    weight, bias = dump.head()

    def of_logits(score):
        return lambda part: score(dump.logits[part])

    def of_features(detector, prepare=lambda x: x):
        fitted = detector.fit_features(prepare(train_x).float(), train_y)  # some take no doubles
        return lambda part: fitted.predict_features(prepare(dump.features[part]).float())

    react = ReAct(backbone=None, head=lambda x: x @ weight.T + bias).fit_feature_maps(train_x, train_y)
    openmax = OpenMax(model=None, tailsize=20, alpha=10).fit_logits(dump.logits["train"], train_y)
    width = train_x.shape[1]
    dimension = 1000 if width >= 2048 else 512 if width >= 768 else width // 2
    return {
        "max_softmax": of_logits(MaxSoftmax.score),
        "temperature_scaled": of_logits(lambda z: MaxSoftmax.score(z / temperature)),
        "max_logit": of_logits(MaxLogit.score),
        "energy": of_logits(EnergyBased.score),
        "gen": of_logits(lambda z: GEN.score(z, M=10)),
        "react": lambda part: react.predict_feature_maps(dump.features[part]),
        "knn": of_features(KNN(None, k=50)),
        "mahalanobis": of_features(Mahalanobis(None)),
        "relative_mahalanobis": of_features(RMD(None)),
        "normalized_mahalanobis": of_features(Mahalanobis(None), unit),
        "normalized_relative_mahalanobis": of_features(RMD(None), unit),
        "vim": of_features(ViM(None, dimension, weight, bias)),
        "openmax": lambda part: openmax.predict_logits(dump.logits[part]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dump")
    parser.add_argument("evaluation")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    evaluation = json.load(open(args.evaluation))
    tern = evaluation["novelty"]["sub"]["near"]["scores"]
    dump = Dump(args.dump)
    peers = peer_scores(dump, evaluation["closed_set"]["sub"]["temperature"]["fitted"])
    print(f"{'score':<32} {'tern':>7} {'pytorch-ood':>12} {'difference':>11}")
    for name, score in peers.items():
        seen, novel = (np.asarray(score(part)) for part in ("validation", "pseudo_novel"))
        if np.isnan(seen).any() or np.isnan(novel).any():
            print(f"{name:<32} {tern[name]['auroc_percent']:>7.2f} {'NaN':>12}")
            continue
        auroc = 100 * roc_auc_score(np.r_[np.zeros(len(seen)), np.ones(len(novel))], np.r_[seen, novel])
        ours = tern[name].get("auroc_percent", float("nan"))
        print(f"{name:<32} {ours:>7.2f} {auroc:>12.2f} {ours - auroc:>11.2f}")


if __name__ == "__main__":
    sys.exit(main())
