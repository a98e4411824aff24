#!/usr/bin/env python3
"""Writes the checkpoint_2026_* files for test_torch_checkpoint, test_checkpoint_keys, test_pickle, test_safetensors,
test_inspect and test_convert: files as trainers of 2026 write them.

Made with PyTorch 2.15.0, safetensors 0.8.0, timm 1.0.31 and NumPy 2.4.6. The values are written out in the tests. Most
files are what a training script would save around a state dict of two small tensors.
"""

import argparse
import collections
import datetime
import enum
import fractions
import io
import logging
import pathlib
import pickle
import uuid

import numpy as np
import safetensors.torch
import timm.scheduler
import timm.utils
import torch

FOLDER = pathlib.Path(__file__).resolve().parent


def path_of(name):
    return FOLDER / f"checkpoint_2026_{name}"


def save(name, value, **options):
    torch.save(value, path_of(name), **options)


def weights(first=1.0):
    return collections.OrderedDict(
        [("w", torch.tensor([[first, -2.0], [3.5, 0.25]])), ("b", torch.tensor([first, first]))]
    )


class Phase(enum.Enum):
    warm_up = 1
    main = "main"


class Reduced:
    """Pickles as a call, with a state, list items and dict items."""

    def __reduce__(self):
        return (Reduced, (), {"state": [1, 2]})


class WithState:
    def __init__(self):
        self.values = {"x": 1}

    def __setstate__(self, state):
        raise RuntimeError("nobody should call this")


class NewArguments:
    def __new__(cls, a=1, *, b=2):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return ((1,), {"b": 2})


class Slotted:
    __slots__ = ("a",)

    def __init__(self):
        self.a = 1


def everything():
    """One of each kind of value that is neither plain nor a tensor."""
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=torch.tensor(0.1), foreach=False)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 60, 60])
    return {
        "args": argparse.Namespace(lr=0.1, model="resnet18", aug=[1, (2,)], none=None),
        "counter": collections.Counter({30: 1, 60: 2}),
        "default": collections.defaultdict(list, {"a": [1.5]}),
        "deque": collections.deque([1, 2], maxlen=3),
        "size": torch.Size([2, 3]),
        "device": torch.device("cuda:0"),
        "dtype": torch.bfloat16,
        "format": torch.channels_last,
        "set": {1, "two"},
        "frozenset": frozenset({3}),
        "bytes": b"\x00\xff",
        "bytearray": bytearray(b"abc"),
        "complex": 1 + 2j,
        "range": range(3),
        "slice": slice(1, None, 2),
        "ellipsis": ...,
        "enum": Phase.warm_up,
        "path": pathlib.PurePosixPath("runs/a"),
        "date": datetime.datetime(2026, 5, 1, tzinfo=datetime.timezone.utc),
        "delta": datetime.timedelta(seconds=3),
        "fraction": fractions.Fraction(1, 3),
        "uuid": uuid.UUID(int=7),
        "big": 1 << 100,
        "negative_big": -(1 << 64),
        "u64": (1 << 64) - 1,
        "scalar": np.float64(0.5),
        "numpy_integer": np.int64(7),
        "array": np.arange(6, dtype=np.float32).reshape(2, 3),
        "objects": np.array([{"a": 1}, None], dtype=object),
        "numpy_dtype": np.dtype("f4"),
        "rng": np.random.default_rng(1),
        "rng_state": np.random.default_rng(1).bit_generator.state,
        "legacy_rng": np.random.RandomState(1).get_state(),
        "torch_rng": torch.get_rng_state()[:16].clone(),
        "function": logging.getLevelName,
        "class": torch.nn.ReLU,
        "reduced": Reduced(),
        "state": WithState(),
        "new_arguments": NewArguments(),
        "slotted": Slotted(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "timm_scheduler": timm.scheduler.CosineLRScheduler(optimizer, t_initial=3).state_dict(),
        "meter": timm.utils.AverageMeter(),
        "sparse": torch.eye(2).to_sparse(),
        "meta": torch.empty(2, device="meta"),
        "nan": float("nan"),
        "infinity": float("-inf"),
    }


def can_save(value, protocol):
    """Protocol 1 has no form for a few."""
    try:
        torch.save(value, io.BytesIO(), pickle_protocol=protocol)
        return True
    except (TypeError, ValueError):
        print(f"protocol {protocol}: no {type(value)}")
        return False


def save_trainers():
    """Checkpoints with several state dicts and much beside them."""
    for protocol in range(1, 6):
        values = {name: value for name, value in everything().items() if can_save(value, protocol)}
        save(f"everything{protocol}.pth", {**values, "epoch": 3, "state_dict": weights()}, pickle_protocol=protocol)
    # timm's train.py (CheckpointSaver): args are a Namespace, the average of weights is beside them.
    save("timm.pth", {"epoch": 3, "arch": "resnet18", "state_dict": weights(1.0), "optimizer": {"state": {}, "param_groups": []},
                      "version": 2, "args": argparse.Namespace(lr=0.1), "amp_scaler": {"scale": 65536.0},
                      "state_dict_ema": weights(2.0), "metric": np.float64(71.5)})
    # torchvision's references: "model", "model_ema" of an AveragedModel.
    averaged = torch.optim.swa_utils.AveragedModel(torch.nn.Linear(1, 1))
    save("torchvision.pth", {"model": weights(1.0), "args": argparse.Namespace(), "model_ema": averaged.state_dict(), "epoch": 1})
    save("tutorial.pth", {"epoch": 1, "model_state_dict": weights(), "optimizer_state_dict": {"state": {}}, "loss": torch.tensor(0.5)})
    save("only.pth", {"net": weights(), "step": 3})
    save("two.pth", {"generator": weights(1.0), "discriminator": {"module": weights(2.0)}})
    save("deep.pth", {"state": {"model": weights(1.0), "model.ema": weights(2.0)}, "models": [weights(3.0), {"a.b": weights(4.0)}], 7: weights(5.0)})
    save("object_model.pth", {"model": torch.nn.Linear(1, 1), "epoch": 1})
    save("numpy_weight.pth", {"state_dict": {"w": torch.tensor([1.0]), "b": np.ones(2, np.float32), "c": [torch.tensor([2.0])]}})


def save_protocol_0():
    """A pickle of lines. PyTorch itself writes none: a storage's reference has no form in it."""
    values = {"i": 7, "n": -(1 << 62), "big": 1 << 70, "t": True, "f": [1.5, float("inf"), 1e-300], "u": "\u00e9\u4e2d\U0001f600\n\\",
              "tuple": (1, None), "again": (shared := ["x"]), "shared": shared, "object": argparse.Namespace(a=1), "set": {1}, "bytes": b"\xff\x00"}
    path_of("protocol0.pkl").write_bytes(pickle.dumps(values, protocol=0))


def save_tensors():
    wanted = torch.tensor([1.0, -2.0, 3.0])
    save("negative.pth", {
        "f32": torch.complex(torch.zeros(3), -wanted).conj().imag,
        "f64": torch.complex(torch.zeros(3).double(), -wanted.double()).conj().imag,
        "i64": torch._neg_view(torch.tensor([5, -6, 0])),
        "f16": torch._neg_view(wanted.half()),
        "c64": torch._neg_view(torch.tensor([1 + 2j])),
        "conjugate": torch.tensor([1 + 2j, 3 - 4j]).conj(),
        "both": torch._neg_view(torch.tensor([1 + 2j, 3 - 4j]).conj()),
        "strided": torch._neg_view(torch.arange(6.0).reshape(2, 3).t()),
        "c128": torch.tensor([[1 + 2j], [3 - 4j]], dtype=torch.complex128).conj().t(),
    })
    eight_bit = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu]
    others = {
        "bool": torch.tensor([True, False, True]), "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "i16": torch.tensor([-2, 300], dtype=torch.int16), "u16": torch.tensor([65535, 1], dtype=torch.uint16),
        "u32": torch.tensor([2**32 - 1], dtype=torch.uint32), "u64": torch.tensor([2**64 - 1], dtype=torch.uint64),
        "c64": torch.tensor([1 + 2j]), "f4": torch.arange(6, dtype=torch.uint8).reshape(2, 3).view(torch.float4_e2m1fn_x2),
        **{str(t).removeprefix("torch."): torch.tensor([1, 2, 4], dtype=torch.uint8).view(t) for t in eight_bit},
        "strided": torch.arange(6, dtype=torch.uint8).reshape(2, 3).view(torch.float8_e5m2).t(), "w": torch.ones(2),
    }
    save("types.pth", others)
    safetensors.torch.save_file({k: v.contiguous() for k, v in others.items()}, path_of("types.safetensors"))
    save("wide.pth", {"c128": torch.tensor([1 + 2j], dtype=torch.complex128), "c32": torch.tensor([0.5]).to(torch.complex32)})

    attributed = torch.tensor([1.0, 2.0])
    attributed.note = "an attribute"
    parameter = torch.nn.Parameter(torch.tensor([3.0]))
    parameter.note = argparse.Namespace(a=1)
    save("wrapped.pth", {"attributed": attributed, "parameter": torch.nn.Parameter(torch.tensor([2.0])),
                         "with_state": parameter, "buffer": torch.nn.Buffer(torch.tensor([4.0]))})
    save("sparse.pth", {"good": torch.ones(1), "w": torch.eye(2).to_sparse()})
    save("meta.pth", {"w": torch.empty(2, device="meta")})
    save("quantized.pth", {"w": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)})


def main():
    torch.manual_seed(1)
    save_trainers()
    save_protocol_0()
    save_tensors()


if __name__ == "__main__":
    main()
