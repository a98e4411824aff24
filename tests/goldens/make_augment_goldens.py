#!/usr/bin/python3
"""Writes augment.blocks: torchvision's flip, rotate, ToTensor, Normalize of a picture of golden_images.py, f32 HWC.

    cd tests/goldens && /usr/bin/python3 make_augment_goldens.py        (Pillow 9.4, torchvision 0.14)
"""
from golden_images import Blocks, pattern
from torchvision import transforms
from torchvision.transforms import functional as F

normalise = transforms.Compose(
    [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])

blocks = Blocks("augment.blocks")
for flip, angle in [(0, 0.0), (1, 0.0), (0, 7.25), (1, -9.5)]:
    image = pattern(16, 16)
    image = F.rotate(F.hflip(image) if flip else image, angle)
    blocks.add(f"{flip}:{angle}", 16, 16, normalise(image).permute(1, 2, 0).contiguous().numpy().tobytes())
