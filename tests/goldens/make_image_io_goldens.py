#!/usr/bin/env python3
"""Writes image_io.blocks: small PNGs and BMPs of every kind, a JPEG (jpeg.blocks has more) and, under <name>.rgb, what
Pillow's convert("RGB") reads. The .rgb of a grey PNG of 16 bits is the high byte of each sample: Pillow makes white of
everything over 255 there.

    cd tests/goldens && python3 make_image_io_goldens.py        (Pillow 13.0.0, NumPy 2.4.6)
"""
import io
import struct
import zlib

import numpy as np
import PIL
from golden_images import Blocks, pattern, smooth
from PIL import Image

assert PIL.__version__ == "13.0.0"
WIDTH, HEIGHT = 13, 9
picture, sharp = smooth(WIDTH, HEIGHT), pattern(WIDTH, HEIGHT)
blocks = Blocks("image_io.blocks")
random = np.random.default_rng(0)


def add_bytes(name, data):
    blocks.add(name, WIDTH, HEIGHT, data)
    image = Image.open(io.BytesIO(data))
    assert image.size == (WIDTH, HEIGHT)
    if image.mode == "I;16":
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        blocks.add(name + ".rgb", WIDTH, HEIGHT, np.repeat(grey[..., None], 3, 2).tobytes())
    else:
        blocks.add_image(name + ".rgb", image)


def add(name, image, **options):
    data = io.BytesIO()
    image.save(data, **options)
    add_bytes(name, data.getvalue())


def noise(*shape, levels=256):
    return random.integers(0, levels, shape)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(samples, bits):
    """[..., rows, values] as PNG's filtered rows, none of which is filtered."""
    shifted = (samples.reshape(len(samples), -1, 1) >> np.arange(bits - 1, -1, -1)) & 1
    return b"".join(b"\0" + np.packbits(row.astype(np.uint8)).tobytes() for row in shifted.reshape(len(samples), -1))


def png(bits, colour_type, samples, before=b"", interlaced=False):
    rows = packed(samples, bits)
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        rows = b"".join(packed(samples[y::dy, x::dx], bits) for x, y, dx, dy in passes)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour_type, 0, 0, interlaced)
    data = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


CHANNELS = {"grey": (0, 1), "colour": (2, 3), "grey_alpha": (4, 2), "alpha": (6, 4)}
for kind, (colour_type, channels) in CHANNELS.items():
    for bits in (1, 2, 4, 8, 16) if kind == "grey" else (8, 16):
        samples = noise(HEIGHT, WIDTH, channels, levels=1 << bits)
        add_bytes(f"{kind}_{bits}.png", png(bits, colour_type, samples))
        add_bytes(f"{kind}_{bits}_interlaced.png", png(bits, colour_type, samples, interlaced=True))
        if channels == 2 or channels == 4:
            continue
        transparent = samples[0, 0].astype(">u2").tobytes()  # that value is; its colour stays
        add_bytes(f"{kind}_{bits}_transparent.png", png(bits, colour_type, samples, chunk(b"tRNS", transparent)))
for bits in (1, 2, 4, 8):
    palette = chunk(b"PLTE", noise(3 << bits).astype(np.uint8).tobytes())
    samples = noise(HEIGHT, WIDTH, 1, levels=1 << bits)
    add_bytes(f"palette_{bits}.png", png(bits, 3, samples, palette))
    add_bytes(f"palette_{bits}_transparent.png", png(bits, 3, samples, palette + chunk(b"tRNS", b"\0\x80")))
add("written.png", sharp, format="PNG")  # with filtered rows


def bmp(bits, header=40, compression=0, masks=(), palette=b"", top_down=False):
    pixels = noise((WIDTH * bits + 31) // 32 * 4 * HEIGHT).astype(np.uint8).tobytes()
    masks = struct.pack(f"<{len(masks)}I", *masks)
    if header == 12:
        info = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        height = -HEIGHT if top_down else HEIGHT
        info = struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(pixels), 0, 0, 0, 0)
        info = (info + masks).ljust(header, b"\0")  # behind a header of 40 bytes, within a longer one
    start = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + palette + pixels


def bmp_palette(bits):
    return np.concatenate([noise(1 << bits, 3), np.zeros((1 << bits, 1))], 1).astype(np.uint8).tobytes()


RGB565, RGB555, RGB888 = (0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F), (0xFF0000, 0xFF00, 0xFF)
for end, top_down in (("", False), ("_top_down", True)):
    for bits in (1, 4, 8):
        add_bytes(f"palette_{bits}{end}.bmp", bmp(bits, palette=bmp_palette(bits), top_down=top_down))
    for bits in (16, 24, 32):
        add_bytes(f"colour_{bits}{end}.bmp", bmp(bits, top_down=top_down))
    for name, bits, masks in (("565", 16, RGB565), ("555", 16, RGB555), ("888", 32, RGB888)):
        add_bytes(f"masks_{name}{end}.bmp", bmp(bits, compression=3, masks=masks, top_down=top_down))
for header in (12, 56, 108, 124):
    add_bytes(f"header_{header}.bmp", bmp(24, header))
for header in (108, 124):
    add_bytes(f"alpha_{header}.bmp", bmp(32, header, 3, RGB888 + (0xFF000000,)))
add_bytes("palette_124.bmp", bmp(8, 124, palette=bmp_palette(8)))
blocks.add("os2_palette.bmp", WIDTH, HEIGHT, bmp(8, 12, palette=noise(768).astype(np.uint8).tobytes()))
blocks.add("run_lengths.bmp", WIDTH, HEIGHT, bmp(8, compression=1, palette=bmp_palette(8)))
blocks.add("header_64.bmp", WIDTH, HEIGHT, bmp(24, 64))
add("colour.jpg", picture, format="JPEG", quality=90, subsampling=0)
blocks.add("other.gif", WIDTH, HEIGHT, b"GIF89a" + bytes(30))
