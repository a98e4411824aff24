#!/usr/bin/env python3
"""Makes the large inputs of docs/reliability.md's "Hours" out of the images of a folder, or of nothing.

    make_images.py links IMAGES OUT COUNT       a folder of COUNT images: hard links to those of IMAGES
    make_images.py zip IMAGES OUT.zip GIB SIDE  a zip of at least GIB GiB: those of IMAGES, SIDE x SIDE, again and again, under other names
    make_images.py classes OUT SUBCLASSES       SUBCLASSES folders superclass/subclass of two images each, 100 subclasses or more
    make_images.py huge OUT SIDE                SIDE x SIDE pixels of one colour as JPEG, PNG and BMP

All but the first want Pillow.
"""

import io
import os
import pathlib
import random
import sys
import zipfile


def images_of(folder):
    found = sorted(path for path in pathlib.Path(folder).iterdir() if path.suffix in (".jpg", ".png"))
    if not found:
        sys.exit(f"{folder}: wanted images (.jpg, .png), got none")
    return found


def make_links(images, out, count):
    sources = images_of(images)
    out = pathlib.Path(out)
    out.mkdir(parents=True)
    for number in range(int(count)):
        source = sources[number % len(sources)]
        os.link(source, out / f"{number}{source.suffix}")


def enlarged(path, side):
    """A JPEG's bytes."""
    from PIL import Image

    data = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").resize((side, side), Image.BICUBIC).save(data, "jpeg", quality=95)
    return data.getvalue()


def make_zip(images, out, gib, side):
    sources = [enlarged(path, int(side)) for path in images_of(images)]
    wanted = float(gib) * 2**30
    with zipfile.ZipFile(out, "x", zipfile.ZIP_STORED) as archive:
        number = 0
        while archive.fp.tell() < wanted:
            archive.writestr(f"{number}.jpg", sources[number % len(sources)])
            number += 1
    print(f"{out}: {number} images, {os.path.getsize(out)} bytes")


def make_classes(out, subclasses):
    """Each class has a colour and a stripe of its own; a hundred classes to a superclass."""
    from PIL import Image

    dice = random.Random(1)
    for subclass in range(int(subclasses)):
        folder = pathlib.Path(out) / f"super{subclass // 100}" / f"class{subclass}"
        folder.mkdir(parents=True)
        ground, stripe = (tuple(dice.randrange(256) for _ in range(3)) for _ in range(2))
        column = dice.randrange(14)
        for number in range(2):
            image = Image.new("RGB", (16, 16), ground)
            image.paste(stripe, (column, 0, column + 2 + number, 16))
            image.save(folder / f"{subclass}_{number}.png")


def make_huge(out, side):
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    out = pathlib.Path(out)
    out.mkdir(parents=True)
    image = Image.new("RGB", (int(side), int(side)), (200, 120, 40))
    image.save(out / "huge.jpg", quality=50)
    image.save(out / "huge.png")
    image.save(out / "huge.bmp")


def main():
    makers = {"links": make_links, "zip": make_zip, "classes": make_classes, "huge": make_huge}
    wanted = {"links": 3, "zip": 4, "classes": 2, "huge": 2}
    if len(sys.argv) < 2 or sys.argv[1] not in makers or len(sys.argv) - 2 != wanted[sys.argv[1]]:
        sys.exit(__doc__)
    makers[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
