"""Makes the frames that all encoders get: RGBA, frame after frame, at the size they are to be written.

frames.py FOLDER PHOTOGRAPHS [GIF ...]

Prints a JSON list of {name, what, file, width, height, frames, duration_ms}.
"""

import json
import pathlib
import sys

import numpy
from PIL import Image, ImageDraw, ImageFilter, ImageSequence

WIDTH, HEIGHT, FRAMES, DURATION_MS = 300, 225, 24, 80
LANCZOS = Image.Resampling.LANCZOS


def photographs(folder):
    """Every JPEG with at least 1440 pixels on its shorter side, in the order of their names."""
    found = []
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg"):
            image = Image.open(path)
            if min(image.size) >= 1440:
                image.draft("RGB", (1400, 1400))
                found.append(image.convert("RGB"))
    return found


def pan(photograph):
    """A window of 640x480 that moves over a photograph, scaled down."""
    image = photograph.copy()
    image.thumbnail((1200, 1200), LANCZOS)
    room = [(side - window) / (2 * FRAMES) for side, window in zip(image.size, (640, 480))]
    for step in range(FRAMES):
        x, y = (int(each * step) for each in room)
        yield image.crop((x, y, x + 640, y + 480)).resize((WIDTH, HEIGHT), LANCZOS)


def still(photograph):
    return photograph.resize((WIDTH, HEIGHT), LANCZOS)


def disc(photograph):
    """A photograph that stands still, and a disc that moves over it."""
    large = still(photograph).resize((WIDTH * 3, HEIGHT * 3), Image.Resampling.BICUBIC)
    for step in range(FRAMES):
        frame = large.copy()
        x = 90 + step * 27
        ImageDraw.Draw(frame).ellipse((x, 240, x + 120, 360), fill=(220, 60, 40))
        yield frame.resize((WIDTH, HEIGHT), LANCZOS)


def noise(photograph):
    """A photograph that stands still, with the noise of a camera: a deviation of two levels."""
    random = numpy.random.default_rng(1)
    base = numpy.asarray(still(photograph)).astype(float)
    for _ in range(FRAMES):
        yield Image.fromarray(numpy.clip(base + random.normal(0, 2, base.shape), 0, 255).round().astype(numpy.uint8))


def drawing():
    """Flat shapes with smooth edges that turn on a flat ground."""
    for step in range(FRAMES):
        frame = Image.new("RGB", (WIDTH * 3, HEIGHT * 3), (245, 240, 225))
        draw = ImageDraw.Draw(frame)
        for index, color in enumerate([(214, 64, 69), (38, 70, 83), (42, 157, 143), (233, 196, 106)]):
            x, y = 130 + 210 * index, 340
            turn = step * 15 * (1 if index % 2 else -1)
            draw.regular_polygon((x, y, 95), 3 + index, rotation=turn, fill=color)
        yield frame.resize((WIDTH, HEIGHT), LANCZOS)


def shadow():
    """A ball with a soft shadow on nothing."""
    for step in range(FRAMES):
        frame = Image.new("RGBA", (WIDTH * 3, HEIGHT * 3), (0, 0, 0, 0))
        x = 100 + step * 20
        soft = Image.new("L", frame.size, 0)
        ImageDraw.Draw(soft).ellipse((x, 300, x + 240, 420), fill=160)
        frame.putalpha(soft.filter(ImageFilter.GaussianBlur(30)))
        ImageDraw.Draw(frame).ellipse((x, 150, x + 210, 360), fill=(40, 140, 230, 255))
        yield frame.resize((WIDTH, HEIGHT), LANCZOS)


def fade():
    """A sky that grows dark: every pixel changes slowly."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    for step in range(FRAMES):
        t = step / (FRAMES - 1)
        sky = [40 + t * 60 + y * 0.3, 90 + y * 0.4 + t * 20, 200 - y * 0.3 - t * 60 + x * 0.05]
        yield Image.fromarray(numpy.clip(numpy.stack(sky, -1), 0, 255).round().astype(numpy.uint8))


def main():
    folder, photos = pathlib.Path(sys.argv[1]), photographs(sys.argv[2])
    sources = [(f"pan {index + 1}", "a window moves over a photograph", pan(photo)) for index, photo in enumerate(photos[:2])]
    sources += [
        ("disc", "a disc moves over a still photograph", disc(photos[2])),
        ("noise", "a still photograph with a camera's noise", noise(photos[2])),
        ("drawing", "flat shapes turn", drawing()),
        ("fade", "a sky grows dark", fade()),
        ("shadow", "a ball with a soft shadow on nothing", shadow()),
    ]
    for path in sys.argv[3:]:
        frames = (frame.convert("RGBA") for frame in ImageSequence.Iterator(Image.open(path)))
        sources.append((pathlib.Path(path).name, "as it is, not scaled", frames))
    made = []
    for name, what, frames in sources:
        raw = numpy.stack([numpy.asarray(frame.convert("RGBA")) for frame in frames])
        file = folder / f"{name}.rgba"
        raw.tofile(file)
        count, height, width, _ = raw.shape
        made.append({"name": name, "what": what, "file": str(file), "width": width, "height": height, "frames": count, "duration_ms": DURATION_MS})
    json.dump(made, sys.stdout)


main()
