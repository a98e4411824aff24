#!/usr/bin/env python3
"""Writes heads.txt: the reference notebook's models with formula.py's weights, in double.

The classes below are the notebook's. The features come from the notebook's backbone, ResNet-18.
"""
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from formula import FOLDER, Goldens, fill, uniform


def build_resnet_backbone():
    base = torchvision.models.resnet18(weights=None)
    features = base.fc.in_features
    base.fc = nn.Identity()
    return base, features


class SharedBackboneTwoHeads(nn.Module):
    def __init__(self, num_super, num_sub):
        super().__init__()
        self.backbone, features = build_resnet_backbone()
        self.super_head = nn.Linear(features, num_super)
        self.sub_head = nn.Linear(features, num_sub)

    def forward(self, x):
        features = self.backbone(x)
        return self.super_head(features), self.sub_head(features)


class CosineClassifier(nn.Module):
    def __init__(self, in_features, out_features, scale=30.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.xavier_uniform_(self.weight)
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def forward(self, x):
        return F.normalize(x, p=2, dim=1) @ F.normalize(self.weight, p=2, dim=1).t() * self.scale


class SingleHeadModel(nn.Module):
    def __init__(self, num_classes, head):
        super().__init__()
        self.backbone, features = build_resnet_backbone()
        if head == "linear":
            self.head = nn.Linear(features, num_classes)
        elif head == "cosine":
            self.head = CosineClassifier(features, num_classes)
        else:
            cosine = CosineClassifier(features, num_classes)
            self.head = nn.Sequential(cosine, nn.ReLU(), nn.Linear(num_classes, num_classes))

    def forward(self, x):
        return (self.head(self.backbone(x)),)


MODELS = {
    "two_heads": lambda: SharedBackboneTwoHeads(4, 7),
    "linear": lambda: SingleHeadModel(5, "linear"),
    "cosine": lambda: SingleHeadModel(5, "cosine"),
    "cosine_relu_linear": lambda: SingleHeadModel(5, "cosine_relu_linear"),
}

if __name__ == "__main__":
    goldens, state = Goldens("heads.txt"), []
    images = uniform(6, 0, (2, 32, 32, 3), -2, 2).double().permute(0, 3, 1, 2)
    for name, make in MODELS.items():
        model = make()
        fill(model, seed=9)
        for key, value in model.state_dict().items():
            if not key.startswith("backbone."):
                state.append(" ".join([name, key, *map(str, value.shape)]))
        goldens.case(name)
        with torch.no_grad():
            for i, logits in enumerate(model.double().eval()(images)):
                goldens.put(**{f"logits{i}": logits})
    goldens.write()
    (FOLDER / "heads_state.txt").write_text("\n".join(state) + "\n")
