"""What became of a picture, in figures. Pictures are arrays of height, width, 3, in sRGB from 0 to 1."""

import numpy
from reference import decoded_linear

# Of sRGB's primaries (IEC 61966-2-1).
LUMINANCE = (0.2126, 0.7152, 0.0722)


def light(picture):
    """Luminance, 0 to 1."""
    return decoded_linear(picture).astype(numpy.float64) @ LUMINANCE


def lightness(luminance):
    """L* of CIE 1976, 0 to 100: equal steps look alike."""
    return numpy.where(luminance > (6 / 29) ** 3, 116 * numpy.cbrt(luminance) - 16, luminance * (29 / 3) ** 3)


def blocks(plane, side):
    """Means over squares; what is left at the edges is dropped."""
    height, width = (length // side * side for length in plane.shape)
    return plane[:height, :width].reshape(height // side, side, width // side, side).mean(axis=(1, 3))


def figures(source, result, ground=None):
    """Of a result that is a quarter of its source.

    light: mean luminance, as a share of the source's. afar: mean difference in L* once light has been averaged over 4x4 pixels of the result, which is what
    an eye does that is too far away to see pixels. contrast: standard deviation of L*, as a share of the source's. weight: of strokes, the sum of what they
    differ from the ground in L*, as a share of the source's. light_halo, dark_halo: how far pixels leave the range of the source around them (12x12 px), in
    L*: what one pixel in 200 exceeds.
    """
    before, after = light(source), light(result)
    seen_before, seen_after = lightness(before), lightness(after)
    found = {
        "light": after.mean() / before.mean(),
        "afar": float(numpy.abs(lightness(blocks(before, 16)) - lightness(blocks(after, 4))).mean()),
        "contrast": seen_after.std() / seen_before.std(),
        "weight": None,
    }
    if ground is not None:
        level = lightness(light(numpy.asarray(ground, dtype=numpy.float64).reshape(1, 1, 3) / 255))[0, 0]
        found["weight"] = float(numpy.abs(seen_after - level).mean() / numpy.abs(seen_before - level).mean())
    least, most = (around(seen_before, pick) for pick in (numpy.min, numpy.max))
    found["light_halo"] = float(numpy.percentile(numpy.maximum(seen_after - most, 0), 99.5))
    found["dark_halo"] = float(numpy.percentile(numpy.maximum(least - seen_after, 0), 99.5))
    return {name: value if value is None else round(float(value), 4) for name, value in found.items()}


def around(plane, pick):
    """The least or greatest of the source's samples in 3x3 squares of 4x4, around each."""
    height, width = plane.shape
    small = pick(plane.reshape(height // 4, 4, width // 4, 4), axis=(1, 3))
    padded = numpy.pad(small, 1, mode="edge")
    shifts = [padded[y : y + height // 4, x : x + width // 4] for y in range(3) for x in range(3)]
    return pick(numpy.stack(shifts), axis=0)


def away(mask):
    """The pixels of a result that is a quarter of its source, around which (12x12 px) nothing of a mask is set."""
    return ~around(mask, numpy.max)
