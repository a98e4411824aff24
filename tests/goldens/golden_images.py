"""What the scripts for images share: the pictures that tests/support/images.h draws too, and its file of blocks."""
import os

import numpy as np
from PIL import Image


def pattern(width, height):
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    noise = (x * 31 + y * 17 + c * 7) % 23 * 9
    return Image.fromarray(((x * x * 7 + y * 13 + x * y * 3 + c * 85 + noise) & 255).astype(np.uint8))


def smooth(width, height):
    y, x = np.mgrid[0:height, 0:width]
    red, green = 40 + 160 * x // width, 220 - 150 * y // height
    blue = 60 + 60 * x // width + 60 * y // height
    return Image.fromarray(np.stack([red, green, blue], 2).astype(np.uint8))


class Blocks:
    """Writes "<name> <width> <height> <bytes>" lines, each followed by the bytes."""

    def __init__(self, name):
        self.file = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "wb")

    def add(self, name, width, height, data):
        self.file.write(f"{name} {width} {height} {len(data)}\n".encode() + data)

    def add_image(self, name, image):
        self.add(name, *image.size, image.convert("RGB").tobytes())
