#!/usr/bin/env python3
"""Writes random_boxes.txt: means of what torchvision's RandomResizedCrop and RandomErasing draw, of many draws.

Each case holds the means of height, width, top, left, height^2, width^2 and height * width of 400,000 boxes.

    cd tests/goldens && python3 make_random_boxes_goldens.py        (torch 2.15.0, torchvision 0.29.2)
"""
import numpy as np
import torch
from numpy_goldens import Goldens
from torchvision.transforms import RandomErasing, RandomResizedCrop

goldens = Goldens("random_boxes.txt")
torch.manual_seed(1)
DRAWS = 400_000


def put(name, size, draw):
    boxes = np.array([draw(torch.empty(3, size, size)) for _ in range(DRAWS)], dtype=np.float64)
    top, left, height, width = boxes.T
    goldens.case(name)
    columns = [height, width, top, left, height**2, width**2, height * width]
    goldens.put(size=float(size), means=np.array([column.mean() for column in columns]))


for name, scale in {"crop_default": [0.08, 1.0], "crop_mild": [0.5, 1.0]}.items():
    put(name, 64, lambda image, scale=scale: RandomResizedCrop.get_params(image, scale, [3 / 4, 4 / 3]))
put("crop_small_image", 7, lambda image: RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]))
put("erasing", 64, lambda image: RandomErasing.get_params(image, (0.02, 0.33), (0.3, 3.3), [0.0])[:4])
goldens.write()
