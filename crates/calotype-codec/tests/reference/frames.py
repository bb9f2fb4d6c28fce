"""Frames of animations, by Pillow.

Reads file names, one a line, from standard input. For each file it writes one line of JSON about the file, then for each
frame one line of JSON and the frame's RGBA samples, then a line that ends the file.

GIF, WebP and AVIF are composited by Pillow. It does not composite APNG as the standard says: it blends alpha with alpha as
if it were a colour, and clears to black where there is no alpha channel. So the parts of an APNG are decoded one by one
by Pillow and composited here, by the equations of PNG (3rd edition, section 13.15) in exact integers.
"""

import io
import json
import struct
import sys
import warnings
import zlib

import numpy
from PIL import GifImagePlugin, Image

warnings.simplefilter("ignore")
Image.MAX_IMAGE_PIXELS = None
# Frames keep their own palettes until they are converted, so that none is quantised.
GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_ALWAYS
# So many pixels of a file are compared.
AREA_PX_MAX = 60_000_000

out = sys.stdout.buffer


def say(**fields):
    out.write(json.dumps(fields).encode() + b"\n")


def composited_by_pillow(image):
    """Durations in milliseconds and samples."""
    for index in range(image.n_frames):
        image.seek(index)
        samples = image.convert("RGBA").tobytes()
        yield image.info.get("duration"), samples


def chunks(data):
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + length]
        if len(content) < length:
            raise EOFError(f"{name} is cut")
        yield name, content
        at += 12 + length


def apng_parts(data):
    """Frame headers, each with a PNG of its pixels."""
    header, between, current, sequence = None, [], None, 0

    def finished():
        fields, packed = current
        size = struct.pack(">II", fields[0], fields[1])
        png = data[:8]
        for name, content in [(b"IHDR", size + header[8:]), *between, (b"IDAT", b"".join(packed)), (b"IEND", b"")]:
            png += struct.pack(">I", len(content)) + name + content
            png += struct.pack(">I", zlib.crc32(name + content))
        return fields, png

    def expect(content):
        nonlocal sequence
        if content[:4] != struct.pack(">I", sequence):
            raise ValueError("frames out of order")
        sequence += 1

    for name, content in chunks(data):
        if name == b"IHDR":
            header = content
        elif name in (b"PLTE", b"tRNS"):
            between.append((name, content))
        elif name == b"fcTL":
            if current:
                yield finished()
            expect(content)
            current = struct.unpack(">IIIIHHBB", content[4:]), []
        elif name == b"IDAT" and current:
            current[1].append(content)
        elif name == b"fdAT":
            expect(content)
            current[1].append(content[4:])
        elif name == b"IEND":
            break
    if current:
        yield finished()


def composited_here(data, size):
    canvas = numpy.zeros((size[1], size[0], 4), numpy.int64)
    for (width, height, left, top, numerator, denominator, dispose, blend), png in apng_parts(data):
        part = Image.open(io.BytesIO(png)).convert("RGBA")
        above = numpy.asarray(part).astype(numpy.int64)
        area = numpy.s_[top : top + height, left : left + width]
        before = canvas.copy()
        below = canvas[area]
        if blend == 1:
            over = above[..., 3:] * 255
            under = below[..., 3:] * (255 - above[..., 3:])
            total = over + under
            colour = above[..., :3] * over + below[..., :3] * under
            # To nearest, halves up.
            rounded = (2 * colour + total) // numpy.maximum(2 * total, 1)
            canvas[area] = numpy.concatenate([rounded, (2 * total + 255) // 510], axis=2)
        else:
            canvas[area] = above
        yield numerator * 1000 / (denominator or 100), canvas.astype(numpy.uint8).tobytes()
        if dispose == 1:
            canvas[area] = 0
        elif dispose == 2:
            canvas = before


for line in sys.stdin:
    name = line.rstrip("\n")
    try:
        image = Image.open(name)
        # A default image that is no frame counts as one in Pillow.
        extra = int(bool(getattr(image, "default_image", False)))
        # Frames of some formats bring facts of their own.
        loop = image.info.get("loop")
        say(frames=image.n_frames - extra, width=image.width, height=image.height, loop=loop, extra=extra)
        if image.format == "PNG":
            with open(name, "rb") as file:
                frames = composited_here(file.read(), image.size)
        else:
            frames = composited_by_pillow(image)
    except Exception as error:
        say(error=f"{type(error).__name__}: {error}")
        out.flush()
        continue
    end, area = None, 0
    try:
        for duration, samples in frames:
            area += len(samples) // 4
            if area > AREA_PX_MAX:
                end = "area"
                break
            say(duration_ms=duration, bytes=len(samples))
            out.write(samples)
    except Exception as error:
        end = f"{type(error).__name__}: {error}"
    say(end=end)
    out.flush()
