#!/usr/bin/env python3
"""Writes weight_names.txt for test_weight_names: the modules of Hugging Face's ResNets and of torchvision's that are the same.

Made with transformers 5.24.0, torchvision 0.29.2 and PyTorch 2.15.0. Modules are paired by the order in which an image
passes them; that the pairs are right is shown by giving torchvision's network the tensors of Hugging Face's: the logits
are then the same bits. Hugging Face has no groups and no wide networks. Also asserts that timm 1.0.31 names and orders the
tensors of every network of tern as torchvision does.
"""

import pathlib

import timm
import torch
import torchvision
import transformers

FOLDER = pathlib.Path(__file__).resolve().parent
KINDS = (torch.nn.Conv2d, torch.nn.BatchNorm2d, torch.nn.Linear)


def modules_in_order(model, images):
    order = []
    for name, module in model.named_modules():
        if isinstance(module, KINDS):
            module.register_forward_hook(lambda *_, name=name: order.append(name))
    with torch.no_grad():
        model(images)
    return order


def pairs_of(architecture, config):
    torch.manual_seed(1)
    theirs = transformers.ResNetForImageClassification(config).eval()
    ours = getattr(torchvision.models, architecture)(num_classes=config.num_labels).eval()
    for buffer in theirs.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    images = torch.rand(2, 3, 64, 64)
    pairs = list(zip(modules_in_order(theirs, images), modules_in_order(ours, images), strict=True))
    for their_name, our_name in pairs:
        ours.get_submodule(our_name).load_state_dict(theirs.get_submodule(their_name).state_dict())
    with torch.no_grad():
        difference = (theirs(images).logits - ours(images)).abs().max().item()
    assert difference == 0, difference
    return pairs


def check_timm():
    for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d"):
        theirs = timm.create_model(name).state_dict()
        ours = getattr(torchvision.models, name)(weights=None).state_dict()
        assert [(k, v.shape) for k, v in theirs.items()] == [(k, v.shape) for k, v in ours.items()], name


def main():
    check_timm()
    basic = transformers.ResNetConfig(layer_type="basic", hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], num_labels=5)
    with open(FOLDER / "weight_names.txt", "w") as file:
        deep = transformers.ResNetConfig(depths=[3, 4, 23, 3], num_labels=5)
        for architecture, config in (
            ("resnet18", basic), ("resnet50", transformers.ResNetConfig(num_labels=5)), ("resnet101", deep)
        ):
            for pair in pairs_of(architecture, config):
                print(architecture, *pair, file=file)


if __name__ == "__main__":
    main()
