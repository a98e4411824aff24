#!/usr/bin/env python3
"""Writes the torch_checkpoint_*.pth files for test_torch_checkpoint and test_pickle.

Made with PyTorch 1.13 (Debian 12: apt-get install python3-torch). The values are written out in the test.
Some files are what tern must refuse: hostile pickles (they would only call harmless functions), old formats,
a TorchScript archive, a whole pickled module.
"""

import argparse
import collections
import os
import pathlib
import pickle
import zipfile

import torch

FOLDER = pathlib.Path(__file__).resolve().parent


def path_of(name):
    return FOLDER / f"torch_checkpoint_{name}"


def save(name, value, **options):
    torch.save(value, path_of(name), **options)


def small_model():
    """A convolution, a batch norm: what torchvision's networks are made of."""
    model = torch.nn.Sequential(
        collections.OrderedDict(conv=torch.nn.Conv2d(2, 3, (1, 2)), bn=torch.nn.BatchNorm2d(3))
    )
    with torch.no_grad():
        model.conv.weight.copy_(torch.arange(12).reshape(3, 2, 1, 2))
        model.conv.bias.copy_(torch.tensor([0.5, -1.5, 2.25]))
        model.bn.num_batches_tracked.fill_(1234567890123)
    return model


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def main():
    state = small_model().state_dict()
    save("state_dict.pth", state)
    save("protocol4.pth", state, pickle_protocol=4)
    save("old.pth", state, _use_new_zipfile_serialization=False)
    save("bare_dict.pth", {"a": torch.tensor([1.0, 2.0])})
    save("nested.pth", {"epoch": 3, "arch": "small", "best": 0.5, "last": None, "state_dict": state,
                        "optimizer": {"state": {0: {"step": 7, "mask": torch.tensor([True])}}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}})
    save("model_key.pth", {"model": {"a": torch.tensor([3.0]), "version": 2, "note": "x"}, "epoch": 1})

    base = torch.arange(24.0).reshape(4, 6)
    save("strided.pth", {"transposed": base.t(), "sliced": base[1::2, 1::3], "expanded": torch.tensor([[5.0], [6.0]]).expand(2, 3),
                         "permuted": torch.arange(24, dtype=torch.uint8).reshape(2, 3, 4).permute(2, 0, 1), "empty": torch.zeros(0, 3)})
    save("shared.pth", {"whole": base, "row": base[2], "again": base})
    save("types.pth", {
        "f16": torch.tensor([1.0, -2.5, 65504.0, 6e-8], dtype=torch.float16),
        "bf16": torch.tensor([1.0, -2.5, 3e38], dtype=torch.bfloat16),
        "f64": torch.tensor([0.1, -1e300], dtype=torch.float64),
        "f32": torch.tensor([0.1, float("nan"), float("-inf")]),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "i32": torch.tensor([-(2**31), 7], dtype=torch.int32),
        "i64": torch.tensor([-(2**63), 7]),
        "scalar": torch.tensor(42),
    })
    save("parameter.pth", {"w": torch.nn.Parameter(torch.tensor([[1.0, 2.0]]))})
    save("bool.pth", {"mask": torch.tensor([True, False])})
    save("tensor.pth", torch.tensor([1.0]))
    save("list_inside.pth", {"a": torch.tensor([1.0]), "b": [torch.tensor([2.0])]})

    # Unpacking must also work for archives that a person repacked.
    with zipfile.ZipFile(path_of("state_dict.pth")) as archive, zipfile.ZipFile(
        path_of("compressed.pth"), "w", zipfile.ZIP_DEFLATED
    ) as repacked:
        for name in archive.namelist():
            repacked.writestr(zipfile.ZipInfo(name), archive.read(name), zipfile.ZIP_DEFLATED)

    # To be refused.
    save("evil_system.pth", {"a": torch.tensor([1.0]), "b": Call(os.system, "true")})
    save("evil_eval.pth", {"a": Call(eval, "1 + 1")})
    save("evil_load.pth", {"a": Call(torch.storage._load_from_bytes, b"")})
    save("evil_protocol4.pth", {"a": Call(eval, "1 + 1")}, pickle_protocol=4)
    save("module.pth", small_model())
    save("namespace.pth", {"model": {"a": torch.tensor([1.0])}, "args": argparse.Namespace(lr=1)})
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), str(path_of("torchscript.pt")))
    path_of("bare_pickle.pkl").write_bytes(pickle.dumps({"a": 1}, protocol=2))


if __name__ == "__main__":
    main()
