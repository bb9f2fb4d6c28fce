"""How alike JPEG, WebP and AVIF look at equal quality numbers.

Every photograph is scaled to fit 800x800 by Pillow's Lanczos filter, written by our encoders at each quality, read by Pillow (libjpeg-turbo, libwebp,
dav1d or libaom), and scored against the pixels that were encoded. What counts is the median over the photographs.
"""

import concurrent.futures
import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from PIL import Image, ImageCms, ImageOps
from ssimulacra2 import compute_ssimulacra2

FORMATS = ["jpeg", "webp", "avif"]
QUALITIES = [20, 35, 50, 60, 70, 80, 85, 90, 95, 100]
# Where the formats are promised to look alike, and how far a median may be from that of JPEG, in points of SSIMULACRA2.
PROMISED, POINTS_MAX = [50, 70, 85, 95], 3
SIDE_PX = 800
REPORT = pathlib.Path("bench/report")


def upright_srgb(path):
    image = Image.open(path)
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image).convert("RGB")
    if profile:
        image = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"))
    return image


def judge(reference, path, folder):
    shown = folder / f"{path.parent.name}-{path.name}.png"
    Image.open(path).convert("RGB").save(shown)
    score = float(compute_ssimulacra2(str(reference), str(shown)))
    shown.unlink()
    return score


def measure(photo, qualities, folder):
    """Score and bytes per format and quality, and what encoded."""
    reference = folder / f"{photo.stem}.png"
    image = upright_srgb(photo)
    image.thumbnail((SIDE_PX, SIDE_PX), Image.LANCZOS)
    image.save(reference)
    found, version = {}, ""
    for kind in FORMATS:
        out = folder / f"{photo.stem}-{kind}"
        out.mkdir()
        command = [os.environ["QUALITY_BIN"], kind, reference, out, *map(str, qualities)]
        version = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0]
        files = {quality: out / f"{quality}.{kind}" for quality in qualities}
        found[kind] = {quality: (judge(reference, path, folder), path.stat().st_size) for quality, path in files.items()}
    return found, version


def table(results, qualities):
    lines = ["| quality | " + " | ".join(f"{kind}: median | bytes" for kind in FORMATS) + " |", "|---" * (2 * len(FORMATS) + 1) + "|"]
    medians = {}
    for quality in qualities:
        cells = []
        for kind in FORMATS:
            of = [result[kind][quality] for result in results.values()]
            medians[kind, quality] = statistics.median(score for score, _ in of)
            cells += [f"{medians[kind, quality]:.1f}", f"{sum(size for _, size in of):,}"]
        lines.append(f"| {quality} | " + " | ".join(cells) + " |")
    return lines, medians


def main():
    qualities = [int(text) for text in sys.argv[1:]] or QUALITIES
    photos = os.environ.get("BENCH_PHOTOS") or pathlib.Path(os.environ["CALOTYPE_SHARED"]) / "corpus/photo"
    photos = sorted(path for path in pathlib.Path(photos).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        measured = dict(zip(photos, pool.map(lambda photo: measure(photo, qualities, pathlib.Path(folder)), photos)))
    results = {photo.stem: found for photo, (found, _) in measured.items()}
    version = next(iter(measured.values()))[1]
    lines, medians = table(results, qualities)
    missed = []
    for quality in (quality for quality in PROMISED if quality in qualities):
        for kind in FORMATS[1:]:
            apart = medians[kind, quality] - medians["jpeg", quality]
            if abs(apart) > POINTS_MAX:
                missed.append(f"{kind} at {quality}: {apart:+.1f}")
    verdict = "None is farther." if not missed else "Farther: " + "; ".join(missed) + "."
    report = [
        "# Equal numbers, equal looks",
        "",
        f"SSIMULACRA2 against the pixels that were encoded: median over {len(photos)} photographs of at most {SIDE_PX}x{SIDE_PX}, and bytes of all of them. "
        "Made by `bench/quality/run.sh`.",
        "",
        *lines,
        "",
        f"At {', '.join(map(str, PROMISED))} WebP and AVIF are to be within {POINTS_MAX} points of JPEG. {verdict}",
        "",
        f"Encoders: `{version}`",
        "",
    ]
    REPORT.mkdir(exist_ok=True)
    (REPORT / "quality.md").write_text("\n".join(report))
    (REPORT / "quality.json").write_text(json.dumps({"encoders": version, "photographs": results}, indent=1) + "\n")
    print("\n".join(report))
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
