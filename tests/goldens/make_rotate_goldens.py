#!/usr/bin/python3
"""Writes rotate.blocks: torchvision's rotate (nearest, black outside) of the pictures of golden_images.py.

Of the many angles for 64 x 64 it keeps one number, the FNV-1a hash of the pixels (8 bytes, little-endian).

    cd tests/goldens && /usr/bin/python3 make_rotate_goldens.py        (Pillow 9.4, torchvision 0.14)
"""
import struct

from golden_images import Blocks, pattern
from torchvision.transforms import functional as F


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def turned(image, flip, angle):
    return F.rotate(F.hflip(image) if flip else image, angle)


blocks = Blocks("rotate.blocks")
for w, h in [(16, 16), (17, 12), (1, 5)]:
    for angle in [0.0, 10.0, -10.0, 3.7, -6.25, 45.0, 90.0, -90.0, 180.0, 200.5, 725.0]:
        for flip in [0, 1]:
            blocks.add_image(f"turn:{w}:{h}:{angle}:{flip}", turned(pattern(w, h), flip, angle))
for step in range(-50, 51):
    angle = step * 0.203125 - 0.0078125  # exact in f32
    flip = step & 1
    pixels = turned(pattern(64, 64), flip, angle).tobytes()
    blocks.add(f"hash:64:64:{angle}:{flip}", 64, 64, struct.pack("<Q", fnv1a(pixels)))
