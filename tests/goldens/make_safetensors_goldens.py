#!/usr/bin/env python3
"""Writes safetensors_python.safetensors with the reference implementation, for test_safetensors.

Made with PyTorch 1.13 and the package safetensors 0.8 (pip install safetensors). The test holds the values.
"""

import pathlib

import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).resolve().parent

save_file(
    {
        "conv.weight": torch.arange(12.0).reshape(3, 2, 1, 2),
        "half": torch.tensor([1.0, -2.5], dtype=torch.float16),
        "brain": torch.tensor([1.0, -2.5, 3.0], dtype=torch.bfloat16),
        "double": torch.tensor(0.1, dtype=torch.float64),
        "bytes": torch.tensor([0, 7, 255], dtype=torch.uint8),
        "int": torch.tensor([-(2**31)], dtype=torch.int32),
        "long": torch.tensor([-(2**63), 7]),
        "empty": torch.zeros(0, 3),
        'quoted "name"\n\u00e9': torch.tensor([1.5]),
    },
    FOLDER / "safetensors_python.safetensors",
    metadata={"format": "pt", "note": 'a "quoted"\nline'},
)
