#!/usr/bin/env python3
"""Writes grad_cam.txt: heat maps by PyTorch's autograd, in double, of feature maps and heads with formula.py's numbers.

As in the paper: the gradient of the class's logit with respect to the maps, its mean over places as the weight of each
channel, and ReLU of the weighted sum. Maps are those of a last ReLU: not negative. The heads are the reference notebook's.
"""
import torch
import torch.nn.functional as F
from torch import nn

from formula import Goldens, fill, uniform

CHANNELS, CLASSES = 16, 5


class CosineClassifier(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.scale = nn.Parameter(torch.tensor(30.0))

    def forward(self, x):
        return F.normalize(x, p=2, dim=1) @ F.normalize(self.weight, p=2, dim=1).t() * self.scale


HEADS = {
    "linear": lambda: nn.Linear(CHANNELS, CLASSES),
    "cosine": lambda: CosineClassifier(CHANNELS, CLASSES),
    "cosine_relu_linear": lambda: nn.Sequential(CosineClassifier(CHANNELS, CLASSES), nn.ReLU(), nn.Linear(CLASSES, CLASSES)),
}


def grad_cam(head, maps, classes):
    """maps: [N, places, places, channels]"""
    maps = maps.clone().requires_grad_()
    logits = head(maps.mean(dim=(1, 2)))
    logits[range(len(classes)), classes].sum().backward()
    alpha = maps.grad.mean(dim=(1, 2), keepdim=True)
    return F.relu((alpha * maps).sum(dim=3))


if __name__ == "__main__":
    goldens = Goldens("grad_cam.txt")
    maps = uniform(6, 0, (3, 4, 5, CHANNELS), -1, 2).double().clamp(min=0)
    for name, make in HEADS.items():
        head = make()
        fill(head, seed=9)
        goldens.case(name)
        goldens.put(heat=grad_cam(head.double(), maps, classes=[2, 0, 4]))
    goldens.write()
