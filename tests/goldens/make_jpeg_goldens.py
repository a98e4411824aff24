#!/usr/bin/env python3
"""Writes jpeg.blocks: JPEGs of every sampling, colour space and coding and, under <name>.rgb, what Pillow's
convert("RGB") reads. Those that Pillow cannot write come from cjpeg, some with bytes changed by hand.

    cd tests/goldens && python3 make_jpeg_goldens.py     (Pillow 13.0.0 with its libjpeg-turbo 3.2.0; cjpeg 2.1.5)
"""
import io
import subprocess

import PIL
from golden_images import Blocks, pattern, smooth
from PIL import Image, features

assert PIL.__version__ == "13.0.0" and features.version("libjpeg_turbo") == "3.2.0"
WIDTH, HEIGHT = 21, 18  # neither is a multiple of any sampling factor or block
SAMPLINGS = {
    "444": "1x1",
    "440": "1x2",
    "422": "2x1",
    "420": "2x2",
    "411": "4x1",
    "410": "4x2",
    "441": "1x4",
    "mixed": "2x2,2x1,1x2",  # each chroma by its own way
}
blocks = Blocks("jpeg.blocks")


def cjpeg(picture, *options):
    if picture.mode == "L":
        pnm = b"P5 %d %d 255\n" % picture.size + picture.tobytes()
    else:
        pnm = b"P6 %d %d 255\n" % picture.size + picture.tobytes()
    return subprocess.run(["cjpeg", "-quality", "85", *options], input=pnm, capture_output=True, check=True).stdout


def pillow(picture, **options):
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=85, **options)
    return data.getvalue()


def add(name, data):
    image = Image.open(io.BytesIO(data))
    blocks.add(name, *image.size, data)
    blocks.add_image(name + ".rgb", image)


def patched(data, old, new):
    assert data.count(old) == 1, (old, data.count(old))
    return data.replace(old, new)


def with_ids(data, ids):
    """Components 1, 2, 3 renamed in the frame's and the scan's header."""
    frame, scan = data.index(b"\xff\xc0") + 10, data.index(b"\xff\xda") + 5
    out = bytearray(data)
    for i, name in enumerate(ids):
        out[frame + 3 * i] = out[scan + 2 * i] = name
    return bytes(out)


sharp, soft = pattern(WIDTH, HEIGHT), smooth(WIDTH, HEIGHT)
for name, factors in SAMPLINGS.items():
    add(name, cjpeg(sharp, "-sample", factors))
    add(name + "_progressive", cjpeg(sharp, "-sample", factors, "-progressive"))
for width, height in [(1, 1), (2, 1), (1, 2), (3, 3), (8, 8), (9, 7), (17, 16), (33, 2), (2, 33)]:
    for name in ("422", "420"):
        add(f"{name}_{width}x{height}", cjpeg(pattern(width, height), "-sample", SAMPLINGS[name]))

# Coding.
add("restarts", cjpeg(sharp, "-sample", "2x1", "-restart", "1B"))
add("restarts_progressive", cjpeg(sharp, "-sample", "2x2", "-restart", "1B", "-progressive"))
add("arithmetic", cjpeg(sharp, "-sample", "2x2", "-arithmetic"))
add("arithmetic_progressive", cjpeg(sharp, "-arithmetic", "-progressive"))
add("optimised", cjpeg(soft, "-optimize"))
add("wide_tables", cjpeg(sharp, "-quality", "1"))  # 16-bit quantisation tables

# Colour spaces.
grey = sharp.convert("L")
add("grey", cjpeg(grey))
add("grey_progressive", cjpeg(grey, "-progressive"))
add("grey_sampled", cjpeg(grey, "-sample", "2x2"))  # factors of a single component mean nothing
add("rgb", cjpeg(sharp, "-rgb"))  # Adobe's marker, transform 0
jfif = cjpeg(sharp, "-sample", "1x1")
add("jfif_named_rgb", with_ids(jfif, b"RGB"))  # JFIF's marker is believed, not the names
app0 = jfif.index(b"\xff\xe0")
bare = jfif[:app0] + jfif[app0 + 18 :]
add("unmarked", bare)
add("unmarked_named_rgb", with_ids(bare, b"RGB"))
add("unmarked_named_012", with_ids(bare, b"\0\1\2"))
ink = Image.merge("CMYK", [*sharp.split(), soft.split()[0]])
cmyk = pillow(ink)
add("cmyk", cmyk)
add("cmyk_progressive", pillow(ink, progressive=True))
adobe = cmyk.index(b"\xff\xee")
assert cmyk[adobe + 4 : adobe + 9] == b"Adobe" and cmyk[adobe + 15] == 0
add("cmyk_unmarked", cmyk[:adobe] + cmyk[adobe + 16 :])
add("ycck", cmyk[: adobe + 15] + b"\2" + cmyk[adobe + 16 :])
add("cmyk_smooth", pillow(soft.convert("CMYK")))

# What stands between segments, and behind the image.
halved = cjpeg(sharp, "-sample", "2x1")
tables = halved.index(b"\xff\xdb")
add("stuffed_zero_between", halved[:tables] + b"\xff\0" + halved[tables:])
add("fill_bytes_between", halved[:tables] + b"\xff\xff\xff" + halved[tables:])
add("stray_bytes_between", halved[:tables] + b"stray" + halved[tables:])
add("trailing_data", halved + b"behind the end " + halved)
add("comment", halved[:tables] + b"\xff\xfe\0\6\xff\xd9\xff\xda" + halved[tables:])
turned = Image.Exif()
turned[0x0112] = 6  # turned by a quarter, which open() leaves as it is stored
add("exif_turned", pillow(soft, exif=turned, subsampling=0))
