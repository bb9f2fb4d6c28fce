"""What a result should look like: the whole source decoded by Pillow, scaled in floating point by Lanczos3 in gamma or in linear light; and what a result
does look like: decoded by Pillow, its profile applied as a browser does.

Pictures are float32 arrays of height, width, 3 (or 4 with alpha, not premultiplied), in sRGB from 0 to 1.
"""

import functools
import io

import numpy
from PIL import Image, ImageCms, ImageOps, ImageSequence

Image.MAX_IMAGE_PIXELS = None
SRGB = ImageCms.createProfile("sRGB")
LIGHTS = ("gamma", "linear")


def decode(path, keep_profile=False):
    """Every frame upright as (array, profile), and the times of the frames. The profile is applied, unless it is to be kept."""
    frames, times = [], []
    with Image.open(path) as image:
        for frame in ImageSequence.Iterator(image):
            frame.load()  # WebP says a frame's time only then.
            times.append(frame.info.get("duration", 0))
            profile = image.info.get("icc_profile")
            frame = ImageOps.exif_transpose(frame)
            if frame.mode not in ("RGB", "RGBA", "CMYK"):
                frame = frame.convert("RGBA" if frame.has_transparency_data else "RGB")
            if not keep_profile:
                frame, profile = to_srgb(frame, profile), None
            frames.append((numpy.asarray(frame, dtype=numpy.float32) / 255, profile))
    return frames, times


def to_srgb(image, profile):
    """lcms2, relative colorimetric with black point compensation, which browsers and the products compared use."""
    if not profile:
        return image.convert("RGB") if image.mode == "CMYK" else image
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.HIGHRESPRECALC
    opaque = image.convert("RGB") if alpha else image
    out = ImageCms.profileToProfile(opaque, given, SRGB, renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB", flags=flags)
    if alpha:
        out.putalpha(alpha)
    return out


def decoded_linear(srgb):
    """IEC 61966-2-1."""
    return numpy.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(numpy.float32)


def encoded_srgb(linear):
    linear = numpy.clip(linear, 0, 1)
    return numpy.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).astype(numpy.float32)


def lanczos3(size_in, size_out):
    """A matrix of weights, one row per output sample: Lanczos with three lobes, as wide as the reduction asks for, edges shared out over what is there."""
    scale = max(size_in / size_out, 1)
    center = (numpy.arange(size_out) + 0.5) * (size_in / size_out) - 0.5
    x = (numpy.arange(size_in)[None, :] - center[:, None]) / scale
    weights = numpy.where(numpy.abs(x) < 3, numpy.sinc(x) * numpy.sinc(x / 3), 0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(numpy.float32)


def scaled(picture, width, height):
    rows, columns, channels = picture.shape
    down = lanczos3(rows, height) @ picture.reshape(rows, columns * channels)
    across = lanczos3(columns, width)
    return numpy.stack([across @ row for row in down.reshape(height, columns, channels)])


def scaled_in(light, picture, width, height):
    """Colours weighted by their alpha, as they must be."""
    colors = decoded_linear(picture[..., :3]) if light == "linear" else picture[..., :3]
    if picture.shape[2] == 4:
        alpha = picture[..., 3:]
        result = scaled(numpy.concatenate([colors * alpha, alpha], axis=2), width, height)
        colors, alpha = result[..., :3], numpy.clip(result[..., 3:], 0, 1)
        colors = colors / numpy.maximum(alpha, 1 / 512)
    else:
        colors, alpha = scaled(colors, width, height), None
    colors = encoded_srgb(colors) if light == "linear" else numpy.clip(colors, 0, 1)
    return colors if alpha is None else numpy.concatenate([colors, alpha], axis=2)


def reference(frame, light, width, height):
    """Of one decoded frame with its profile. In gamma: colours are converted after scaling. In linear light: before it, since only then light is linear."""
    picture, profile = frame
    if not profile or is_srgb(profile):
        return scaled_in(light, picture, width, height)
    mode = "CMYK" if is_cmyk(profile) else "RGBA" if picture.shape[2] == 4 else "RGB"

    def converted(picture):
        image = Image.frombytes(mode, picture.shape[1::-1], (picture * 255).round().clip(0, 255).astype(numpy.uint8).tobytes())
        return numpy.asarray(to_srgb(image, profile), dtype=numpy.float32) / 255

    if light == "linear" or mode == "RGBA":
        return scaled_in(light, converted(picture), width, height)
    return converted(scaled(picture, width, height))


@functools.cache
def is_srgb(profile):
    """Whether it changes no colour by more than a level."""
    if is_cmyk(profile):
        return False
    colors = numpy.stack(numpy.meshgrid(*[numpy.arange(0, 256, 15, dtype=numpy.uint8)] * 3), axis=-1).reshape(1, -1, 3)
    converted = numpy.asarray(to_srgb(Image.frombytes("RGB", colors.shape[1::-1], colors.tobytes()), profile))
    return bool(numpy.abs(converted.astype(int) - colors).max() <= 1)


def is_cmyk(profile):
    return bool(profile) and profile[16:20] == b"CMYK"


def on(ground, picture):
    """Over white (1) or black (0), as browsers do it: in gamma."""
    if picture.shape[2] == 3:
        return picture
    alpha = picture[..., 3:]
    return picture[..., :3] * alpha + ground * (1 - alpha)
