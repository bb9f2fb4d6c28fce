"""How close an animation is to the frames it was made of, as Pillow plays it."""

import bisect

import numpy
from PIL import Image, ImageSequence

LUMA = numpy.array([0.299, 0.587, 0.114])


def played(path):
    """Frames with the time at which each begins, in milliseconds."""
    frames, starts, now = [], [], 0
    for frame in ImageSequence.Iterator(Image.open(path)):
        frames.append(numpy.asarray(frame.convert("RGBA")).astype(float))
        starts.append(now)
        now += frame.info.get("duration", 0)
    return frames, starts, now


def ssim(a, b):
    """Wang et al. 2004: Gaussian window of 11 with deviation 1.5, only where the whole window fits."""
    offsets = numpy.arange(11) - 5
    weights = numpy.exp(-(offsets**2) / (2 * 1.5**2))
    weights /= weights.sum()

    def mean(plane):
        for axis in (0, 1):
            windows = numpy.lib.stride_tricks.sliding_window_view(plane, 11, axis)
            plane = windows @ weights
        return plane

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(numpy.mean((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))))


def blurred(plane):
    """Means of blocks of 4x4, as an eye at some distance sees them: dithering averages out in them, steps do not."""
    height, width = (side // 4 * 4 for side in plane.shape[:2])
    blocks = plane[:height, :width].reshape(height // 4, 4, width // 4, 4, -1)
    return blocks.mean(axis=(1, 3))


def on_grey(frame):
    alpha = frame[..., 3:] / 255
    return frame[..., :3] * alpha + 128 * (1 - alpha)


def judge(path, source, duration_ms):
    """Frames, total time, mean error, error of blurred frames, SSIM: means over the frames that a viewer sees at their times."""
    frames, starts, total = played(path)
    errors, soft_errors, ssims = [], [], []
    for index, truth in enumerate(source):
        shown = frames[bisect.bisect_right(starts, index * duration_ms) - 1]
        a, b = on_grey(truth.astype(float)), on_grey(shown)
        errors.append(numpy.abs(a - b).mean())
        soft_errors.append(numpy.sqrt(((blurred(a) - blurred(b)) ** 2).mean()))
        ssims.append(ssim(a @ LUMA, b @ LUMA))
    mean = lambda values: round(float(numpy.mean(values)), 4)
    return {"frames": len(frames), "total_ms": total, "error": mean(errors), "soft_error": mean(soft_errors), "ssim": mean(ssims)}
