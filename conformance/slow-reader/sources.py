"""Pictures whose pixels are known by arithmetic: NAME.png and NAME.rgba, the bytes that an answer must have. Small as PNG, large as pixels.

    sources.py DIRECTORY
"""

import pathlib
import random
import struct
import sys
import zlib

LARGE = (2000, 1875)  # 15,000,000 bytes of rgba
SMALL_COUNT = 24
SMALL_BYTES = (50_000, 3_000_000)


def row(width, y):
    """Red runs along the row, green down the rows, blue is the row's number: no two rows, and no two pixels of one, are alike for long."""
    pixels = bytearray(b"\xff") * (4 * width)
    pixels[0::4] = bytes((x + 3 * y) & 255 for x in range(width))
    pixels[1::4] = bytes([(y * 7) & 255]) * width
    pixels[2::4] = bytes([(y >> 3) & 255]) * width
    return bytes(pixels)


def png(width, height, rows):
    """With every line as differences from its left neighbour (filter 1), which are the same all along it."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\1" + line[:4] + b"\1\0\0\0" * (width - 1) for line in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 6)) + chunk(b"IEND", b"")


def write(directory, name, width, height):
    rows = [row(width, y) for y in range(height)]
    (directory / f"{name}.png").write_bytes(png(width, height, rows))
    (directory / f"{name}.rgba").write_bytes(b"".join(rows))


directory = pathlib.Path(sys.argv[1])
directory.mkdir(parents=True, exist_ok=True)
write(directory, "large", *LARGE)
low, high = SMALL_BYTES
numbers = random.Random(1)
for number in range(SMALL_COUNT):
    # Evenly in the logarithm, both ends included.
    size = low * (high / low) ** (number / (SMALL_COUNT - 1))
    width = numbers.randrange(60, 1500)
    write(directory, f"small-{number:02}", width, max(1, round(size / 4 / width)))
