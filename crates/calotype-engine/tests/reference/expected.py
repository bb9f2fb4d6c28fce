"""Expected pixels, computed by Pillow and NumPy from the formulas of the specification.

usage: expected.py FOLDER

Reads FOLDER/cases.json, a list of {"name", "source", "width", "height", "channels", "steps"}; sources are raw samples in FOLDER. Writes
FOLDER/NAME.raw for each case, raw samples again, and FOLDER/sizes.json with their sizes. Knows nothing of the program under test.
"""

import json
import pathlib
import sys

import numpy
from PIL import Image, ImageFilter


def resample(image, step):
    """Lanczos where an axis shrinks, bicubic where it grows, by Pillow in floats: nothing is rounded between the passes. Alpha is premultiplied."""
    width, height = step["scaled"]
    box = step.get("box")
    if box:
        # Pillow reads pixels outside of `box` too, as a scale before a cut does.
        x, y = image.width / width, image.height / height
        left, top, w, h = box
        area = (left * x, top * y, (left + w) * x, (top + h) * y)
        width, height = w, h
    else:
        area = (0, 0, image.width, image.height)
    kind = lambda grows: Image.Resampling.BICUBIC if grows else Image.Resampling.LANCZOS
    across, down = kind(width > area[2] - area[0]), kind(height > area[3] - area[1])
    planes = []
    for values in numpy.moveaxis(premultiplied(image), 2, 0):
        plane = Image.fromarray(values.astype(numpy.float32), "F")
        plane = plane.resize((width, plane.height), across, (area[0], 0, area[2], plane.height))
        planes.append(numpy.asarray(plane.resize((width, height), down, (0, area[1], width, area[3])), dtype=numpy.float64))
    values = numpy.stack(planes, axis=2)
    return straight(values, image.mode)


def gaussian(values, sigma):
    """The separable Gaussian in doubles, cut at six sigmas, edges extended."""
    reach = int(numpy.ceil(6 * sigma))
    weights = numpy.exp(-numpy.arange(-reach, reach + 1) ** 2 / (2 * sigma * sigma))
    weights /= weights.sum()
    for axis in (0, 1):
        pad = [(0, 0)] * 3
        pad[axis] = (reach, reach)
        padded = numpy.pad(values, pad, mode="edge")
        length = values.shape[axis]
        values = sum(w * numpy.take(padded, range(i, i + length), axis) for i, w in enumerate(weights))
    return values


def premultiplied(image):
    values = numpy.asarray(image, dtype=numpy.float64)
    if values.shape[2] == 4:
        alpha = values[:, :, 3:] / 255
        values = numpy.concatenate([values[:, :, :3] * alpha, values[:, :, 3:]], axis=2)
    return values


def straight(values, mode):
    if mode == "RGBA":
        alpha = numpy.maximum(values[:, :, 3:], 1e-9) / 255
        values = numpy.concatenate([values[:, :, :3] / alpha, values[:, :, 3:]], axis=2)
    return rounded(values, mode)


def rounded(values, mode):
    return Image.fromarray(numpy.floor(numpy.clip(values, 0, 255) + 0.5).astype(numpy.uint8), mode)


def colors(image, change):
    """Applies a formula to the colours as fractions of 1; alpha stays."""
    values = numpy.asarray(image, dtype=numpy.float64).copy()
    values[:, :, :3] = change(values[:, :, :3] / 255) * 255
    return rounded(values, image.mode)


def saturation(v, s):
    luma = (v * [0.2126, 0.7152, 0.0722]).sum(axis=2, keepdims=True)
    return luma + (v - luma) * s


def paint(base, step, folder):
    overlay = load(folder, step["overlay"])
    if overlay.mode == "RGB":
        overlay.putalpha(255)
    values = numpy.asarray(overlay).copy()
    values[:, :, 3] = numpy.floor(values[:, :, 3] * step["opacity"] + 0.5)
    overlay = Image.fromarray(values, "RGBA")
    canvas = base.convert("RGBA")
    layer = Image.new("RGBA", base.size, (0, 0, 0, 0))
    layer.paste(overlay, tuple(step["at"]))
    return Image.alpha_composite(canvas, layer).convert(base.mode)


TURNS = {
    "flip_h": Image.Transpose.FLIP_LEFT_RIGHT,
    "flip_v": Image.Transpose.FLIP_TOP_BOTTOM,
    # Pillow counts anticlockwise.
    "rotate90": Image.Transpose.ROTATE_270,
    "rotate180": Image.Transpose.ROTATE_180,
    "rotate270": Image.Transpose.ROTATE_90,
}


def apply(image, step, folder):
    name, value = step["op"], step.get("value")
    if name == "resize":
        return resample(image, step)
    if name == "crop":
        left, top, width, height = step["box"]
        return image.crop((left, top, left + width, top + height))
    if name in TURNS:
        return image.transpose(TURNS[name])
    if name == "brightness":
        return colors(image, lambda v: v * value)
    if name == "contrast":
        return colors(image, lambda v: (v - 0.5) * value + 0.5)
    if name == "gamma":
        return colors(image, lambda v: v**value)
    if name == "saturation":
        return colors(image, lambda v: saturation(v, value))
    if name == "blur":
        return straight(gaussian(premultiplied(image), value / 2), image.mode)
    if name == "pillow_blur":
        return image.filter(ImageFilter.GaussianBlur(value / 2))
    if name == "sharpen":
        values = premultiplied(image)
        # Divided by alpha before either is clamped: a shape of one colour keeps it at its edges.
        values = values + value * (values - gaussian(values, 1.0))
        return straight(values, image.mode)
    if name == "pillow_sharpen":
        return image.filter(ImageFilter.UnsharpMask(1, round(value * 100), 0))
    if name == "background":
        canvas = Image.new("RGBA", image.size, tuple(value))
        return Image.alpha_composite(canvas, image.convert("RGBA")).convert("RGB")
    if name == "border":
        top, right, bottom, left = step["widths"]
        size = (image.width + left + right, image.height + top + bottom)
        canvas = Image.new(image.mode, size, tuple(value)[: len(image.mode)])
        canvas.paste(image, (left, top))
        return canvas
    if name == "draw":
        return paint(image, step, folder)
    raise ValueError(name)


def load(folder, source):
    mode = {3: "RGB", 4: "RGBA"}[source["channels"]]
    return Image.frombytes(mode, (source["width"], source["height"]), (folder / source["file"]).read_bytes())


def main():
    folder = pathlib.Path(sys.argv[1])
    sizes = {}
    for case in json.loads((folder / "cases.json").read_text()):
        image = load(folder, case["source"])
        for step in case["steps"]:
            image = apply(image, step, folder)
        (folder / (case["name"] + ".raw")).write_bytes(image.tobytes())
        sizes[case["name"]] = [image.width, image.height, len(image.mode)]
    (folder / "sizes.json").write_text(json.dumps(sizes))


main()
