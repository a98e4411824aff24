#!/usr/bin/env python3
"""Writes image_ops.blocks: what RandAugment's operations make of the pictures of golden_images.py.

A block "<op>:<picture>:<magnitude>" is the picture that torchvision's _apply_op gives, through Pillow; of most
there is just the FNV-1a hash of its pixels (8 bytes, little-endian), which is named "hash:...". "magnitudes:<op>"
holds the op's magnitude of every bin for an image of 64 pixels, as f32.

    cd tests/goldens && python3 make_image_ops_goldens.py        (Pillow 13.0.0, torch 2.15.0, torchvision 0.29.2)
"""
import struct

import numpy as np
from golden_images import Blocks, pattern, smooth
from PIL import Image
from torchvision.transforms import InterpolationMode, RandAugment
from torchvision.transforms.autoaugment import _apply_op


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def flat(width, height):
    return Image.new("RGB", (width, height), (17, 130, 254))


def few(width, height):
    """A picture of three grey levels: the histograms are nearly empty."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return Image.fromarray((60 + (x + y + c) % 3 * 50).astype(np.uint8))


SIZES = [(16, 16), (17, 12), (64, 64), (2, 5), (1, 1)]
PICTURES = {"pattern": pattern, "smooth": smooth, "flat": flat, "few": few}
SIGNED = {"ShearX": 0.3, "ShearY": 0.3, "TranslateX": 30, "TranslateY": 30, "Rotate": 30.0, "Brightness": 0.9,
          "Color": 0.9, "Contrast": 0.9, "Sharpness": 0.9}
MAGNITUDES = {op: [0.0] + [sign * value for sign in (1, -1) for value in (largest, largest * 0.3, largest / 31)]
              for op, largest in SIGNED.items()}
MAGNITUDES |= {"Identity": [0.0], "AutoContrast": [0.0], "Equalize": [0.0], "Posterize": [4.0, 5.0, 7.0, 8.0],
               "Solarize": [0.0, 8.5, 127.5, 178.5, 255.0]}

blocks = Blocks("image_ops.blocks")
for op, magnitudes in MAGNITUDES.items():
    for magnitude in magnitudes:
        for name, draw in PICTURES.items():
            for width, height in SIZES:
                changed = _apply_op(draw(width, height), op, magnitude, InterpolationMode.NEAREST, None)
                label = f"{op}:{name}:{magnitude!r}"
                pixels = changed.tobytes()
                if (width, height) == (17, 12) and magnitude == magnitudes[-1] and name in ("pattern", "smooth"):
                    blocks.add(label, width, height, pixels)
                else:
                    blocks.add(f"hash:{width}x{height}:{label}", width, height, struct.pack("<Q", fnv1a(pixels)))

transform = RandAugment()
for op, (magnitudes, _) in transform._augmentation_space(31, (64, 64)).items():
    values = magnitudes.expand(31).numpy().astype(np.float32)
    blocks.add(f"magnitudes:{op}", 31, 1, values.tobytes())
