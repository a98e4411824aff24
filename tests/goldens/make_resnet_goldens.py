#!/usr/bin/env python3
"""Writes resnet.txt and resnet_state.txt: torchvision's (0.29) ResNets in double, and their state dicts' names; and the narrow
one, which is made of torchvision's parts.

Weights and images come from formula.py. Features: their first 32 channels. Gradients are those of sum(features * dy):
the norm of each parameter's, in the order of parameters(). Of two networks the state dict is whole; of the others, whose
normalisations are called and placed alike, it is that of the convolutions and of fc.
"""
import torch
import torchvision

from formula import FOLDER, Goldens, fill, uniform

NAMES = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d")
NARROW = "narrow_resnet10_4"
WHOLE_STATE = ("resnet18", "resnet50")
TRAINED = ("resnet18", "resnet50", "resnext50_32x4d", NARROW)


class NarrowResNet(torchvision.models.ResNet):
    """With a quarter of the channels."""

    def __init__(self, blocks):
        super().__init__(torchvision.models.resnet.BasicBlock, blocks)
        self.conv1 = torch.nn.Conv2d(3, 16, 7, stride=2, padding=3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        self.fc = torch.nn.Linear(128, 1000)

    def _make_layer(self, block, planes, *options, **more):
        if planes == 64:  # the first
            self.inplanes = 16
        return super()._make_layer(block, planes // 4, *options, **more)


torch.set_num_threads(2)
goldens = Goldens("resnet.txt")
state = []
for arch in (*NAMES, NARROW):
    net = NarrowResNet([1, 1, 1, 1]) if arch == NARROW else getattr(torchvision.models, arch)(weights=None)
    tensors = net.state_dict()
    for name, value in tensors.items():
        if arch in WHOLE_STATE or value.dim() > 1:
            state.append(" ".join([arch, name, *map(str, value.shape)]))
    goldens.case(arch)
    goldens.put(tensors=len(tensors), parameters=sum(p.numel() for p in net.parameters()))
    net.fc = torch.nn.Identity()
    fill(net, seed=5)
    net.double()
    count, side = (4, 64) if arch in TRAINED else (2, 48)
    images = uniform(6, 0, (count, side, side, 3), -2, 2).double().permute(0, 3, 1, 2)
    with torch.no_grad():
        goldens.put(evaluation=net.eval()(images)[:, :32])
    if arch not in TRAINED:
        continue
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
