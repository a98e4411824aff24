#!/usr/bin/env python3
"""Writes resnet.txt and resnet_state.txt: torchvision's (0.14) ResNets in double, and their state dicts' names.

Weights and images come from formula.py. Features: their first 32 channels. Gradients are those of sum(features * dy):
the norm of each parameter's, in the order of parameters().
"""
import torch
import torchvision

from formula import FOLDER, Goldens, fill, uniform

torch.set_num_threads(2)
goldens = Goldens("resnet.txt")
state = []
for arch in ("resnet18", "resnet50"):
    net = getattr(torchvision.models, arch)(weights=None)
    for name, value in net.state_dict().items():
        state.append(" ".join([arch, name, *map(str, value.shape)]))
    net.fc = torch.nn.Identity()
    fill(net, seed=5)
    net.double()
    images = uniform(6, 0, (4, 64, 64, 3), -2, 2).double().permute(0, 3, 1, 2)
    goldens.case(arch)
    with torch.no_grad():
        goldens.put(evaluation=net.eval()(images)[:, :32])
    features = net.train()(images)
    dy = uniform(7, 0, features.shape, -1, 1).double()
    (features * dy).sum().backward()
    goldens.put(training=features[:, :32])
    goldens.put(gradient_norms=torch.stack([p.grad.norm() for p in net.parameters()]))
    goldens.put(stem_gradient=net.conv1.weight.grad[:2].permute(0, 2, 3, 1))
    last = net.layer4[-1].bn2
    goldens.put(running_mean=last.running_mean[:16], running_var=last.running_var[:16])
goldens.write()
(FOLDER / "resnet_state.txt").write_text("\n".join(state) + "\n")
