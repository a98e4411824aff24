#!/usr/bin/env python3
"""Writes optimizer.txt: ten steps of PyTorch's optimisers in double.

Two parameters, "weight" and "bias" of two groups (bias: half the rate, no decay); their gradients at step t are
uniform(seed, 2 t) and uniform(seed, 2 t + 1) of formula.py. The rate falls by 10 % a step.
"""
import torch

from formula import Goldens, uniform

STEPS = 10
goldens = Goldens("optimizer.txt")
for name, make in {
    "adam": lambda groups: torch.optim.Adam(groups),
    "adamw": lambda groups: torch.optim.AdamW(groups),
    "sgd": lambda groups: torch.optim.SGD(groups, lr=1),
    "momentum": lambda groups: torch.optim.SGD(groups, lr=1, momentum=0.9),
    "nesterov": lambda groups: torch.optim.SGD(groups, lr=1, momentum=0.9, nesterov=True),
}.items():
    for clip in (0, 1):
        weight = uniform(1, 0, (3, 5), -1, 1).double().requires_grad_()
        bias = uniform(1, 1, (5,), -1, 1).double().requires_grad_()
        optimizer = make([dict(params=[weight], weight_decay=0.1), dict(params=[bias], weight_decay=0)])
        norms = []
        for step in range(STEPS):
            weight.grad = uniform(2, 2 * step, (3, 5), -1, 1).double()
            bias.grad = uniform(2, 2 * step + 1, (5,), -1, 1).double()
            if clip:
                norms.append(torch.nn.utils.clip_grad_norm_([weight, bias], clip))
            rate = 0.01 * 0.9**step
            optimizer.param_groups[0]["lr"], optimizer.param_groups[1]["lr"] = rate, rate / 2
            optimizer.step()
        goldens.case(name + ("_clipped" if clip else ""))
        goldens.put(weight=weight, bias=bias)
        if clip:
            goldens.put(norms=torch.stack(norms))
goldens.write()
