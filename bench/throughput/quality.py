"""Judges pictures against a reference. Standard input: JSON lines {side, format, source, file}; standard output: one JSON object.

The reference: the whole source decoded by Pillow, upright, converted to sRGB, scaled by its Lanczos filter to the size of the judged picture.
"""

import collections
import io
import json
import statistics
import sys
import tempfile

import numpy
import PIL
from PIL import Image, ImageCms, ImageOps
from ssimulacra2 import compute_ssimulacra2


def upright_srgb(path):
    image = Image.open(path)
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image).convert("RGB")
    if profile:
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        image = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), renderingIntent=intent)
    return image


def psnr_db(a, b):
    error = numpy.mean((a - b) ** 2)
    return float("inf") if error == 0 else float(10 * numpy.log10(255**2 / error))


def ssim(a, b):
    """Wang et al. 2004 on luma: Gaussian window of 11 with deviation 1.5, only where the whole window fits."""
    offsets = numpy.arange(11) - 5
    weights = numpy.exp(-(offsets**2) / (2 * 1.5**2))
    weights /= weights.sum()

    def mean(plane):
        for axis in (0, 1):
            plane = numpy.apply_along_axis(lambda line: numpy.convolve(line, weights, "valid"), axis, plane)
        return plane

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(numpy.mean((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))))


def main():
    sources, scores = {}, collections.defaultdict(lambda: collections.defaultdict(list))
    for line in sys.stdin:
        job = json.loads(line)
        if job["source"] not in sources:
            sources = {job["source"]: upright_srgb(job["source"])}
        judged = Image.open(job["file"]).convert("RGB")
        reference = sources[job["source"]].resize(judged.size, Image.Resampling.LANCZOS)
        a, b = (numpy.asarray(each, dtype=float) for each in (reference, judged))
        with tempfile.NamedTemporaryFile(suffix=".png") as first, tempfile.NamedTemporaryFile(suffix=".png") as second:
            reference.save(first.name)
            judged.save(second.name)
            perceptual = float(compute_ssimulacra2(first.name, second.name))
        luma = numpy.array([0.299, 0.587, 0.114])
        of = scores[f"{job['side']} {job['format']}"]
        of["psnr_db"].append(psnr_db(a, b))
        of["ssim"].append(ssim(a @ luma, b @ luma))
        of["ssimulacra2"].append(perceptual)
        of["bytes"].append(job["bytes"])
    result = {
        name: {"pictures": len(of["ssim"]), "bytes": sum(of["bytes"])}
        | {f"{kind}_{word}": round(fold(of[kind]), 4) for kind in ("psnr_db", "ssim", "ssimulacra2") for word, fold in (("mean", statistics.mean), ("worst", min))}
        for name, of in sorted(scores.items())
    }
    json.dump({"pillow": PIL.__version__, "scores": result}, sys.stdout)


main()
