#!/usr/bin/python3
"""Writes resize.blocks: what Pillow and torchvision make of the pictures of golden_images.py.

    cd tests/goldens && /usr/bin/python3 make_resize_goldens.py        (Pillow 9.4, torchvision 0.14)
"""
from golden_images import Blocks, pattern
from PIL import Image
from torchvision import transforms

SIZES = [  # from width, height, to width, height
    (32, 32, 64, 64), (64, 64, 32, 32), (64, 64, 26, 26), (100, 50, 64, 64), (13, 7, 5, 11), (7, 13, 20, 3),
    (1, 1, 4, 3), (5, 4, 1, 1), (1, 9, 3, 3), (31, 17, 31, 40), (31, 17, 12, 17), (300, 2, 7, 2), (37, 41, 36, 42),
]
SHORTEST = [(40, 30, 16), (30, 47, 16), (9, 31, 20), (16, 20, 16), (25, 25, 24)]
CROPS = [(20, 16, 12), (17, 15, 12), (15, 17, 12), (13, 19, 12), (8, 20, 12), (9, 7, 12)]

blocks = Blocks("resize.blocks")
for w, h, to_w, to_h in SIZES:
    image = pattern(w, h).resize((to_w, to_h), Image.BILINEAR)
    blocks.add_image(f"resize:{w}:{h}", image)
for w, h, size in SHORTEST:
    blocks.add_image(f"shortest:{w}:{h}:{size}", transforms.Resize(size)(pattern(w, h)))
for w, h, size in CROPS:
    blocks.add_image(f"crop:{w}:{h}:{size}", transforms.CenterCrop(size)(pattern(w, h)))
