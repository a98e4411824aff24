#!/usr/bin/python3
"""Writes image_io.blocks: small files of every kind and, under <name>.rgb, what Pillow's convert("RGB") reads.

16-bit PNGs, which Pillow reads in its own ways, are made by hand; their .rgb is the high byte of each sample.

    cd tests/goldens && /usr/bin/python3 make_image_io_goldens.py        (Pillow 9.4; cjpeg from libjpeg-turbo-progs)
"""
import io
import struct
import subprocess
import zlib

import numpy as np
from golden_images import Blocks, pattern, smooth
from PIL import Image

WIDTH, HEIGHT = 24, 17
picture, sharp = smooth(WIDTH, HEIGHT), pattern(WIDTH, HEIGHT)
blocks = Blocks("image_io.blocks")


def add(name, image, **options):
    data = io.BytesIO()
    image.save(data, **options)
    blocks.add(name, WIDTH, HEIGHT, data.getvalue())
    blocks.add_image(name + ".rgb", Image.open(data))


def add_png16(name, samples, colour_type):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, colour_type, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    blocks.add(name, WIDTH, HEIGHT, data)
    high = (samples >> 8).astype(np.uint8).reshape(HEIGHT, WIDTH, -1)
    blocks.add(name + ".rgb", WIDTH, HEIGHT, np.broadcast_to(high, (HEIGHT, WIDTH, 3)).tobytes())


add("colour.jpg", picture, format="JPEG", quality=90, subsampling=0)
add("halved.jpg", picture, format="JPEG", quality=90, subsampling=2)
add("progressive.jpg", picture, format="JPEG", quality=90, progressive=True)
pnm = f"P6 {WIDTH} {HEIGHT} 255\n".encode() + picture.tobytes()
restarts = subprocess.run(["cjpeg", "-quality", "90", "-restart", "1B"], input=pnm, capture_output=True, check=True)
blocks.add("restarts.jpg", WIDTH, HEIGHT, restarts.stdout)
blocks.add_image("restarts.jpg.rgb", Image.open(io.BytesIO(restarts.stdout)))
add("grey.jpg", picture.convert("L"), format="JPEG", quality=90)
add("cmyk.jpg", picture.convert("CMYK"), format="JPEG", quality=95)
add("colour.png", sharp, format="PNG")
add("grey.png", sharp.convert("L"), format="PNG")
add("bits.png", sharp.convert("1"), format="PNG")
add("palette.png", sharp.convert("P", palette=Image.ADAPTIVE, colors=16), format="PNG")
rgba = sharp.copy()
rgba.putalpha(pattern(WIDTH, HEIGHT).convert("L"))
add("alpha.png", rgba, format="PNG")
add("grey_alpha.png", rgba.convert("LA"), format="PNG")
add("colour.bmp", sharp, format="BMP")
add("palette.bmp", sharp.convert("P", palette=Image.ADAPTIVE, colors=16), format="BMP")
wide = np.asarray(sharp).astype(np.uint16) * 256 + np.asarray(picture)
add_png16("colour16.png", wide.reshape(HEIGHT, -1), 2)
add_png16("grey16.png", wide[:, :, 0], 0)
blocks.add("other.gif", WIDTH, HEIGHT, b"GIF89a" + bytes(30))
