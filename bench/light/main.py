"""Resizing in encoded values and in linear light: photographs, hard pictures and cost. Writes report/light.{json,md} and contact sheets."""

import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

import numpy
from PIL import Image

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent / "jobs"))

import measure
import pictures
import reference
import sheet

WIDTH = 800
REPORT = HERE.parent / "report"
WORK = pathlib.Path(os.environ["LIGHT_WORK"])
# Of the hard pictures.
LIGHTS = ("encoded", "linear", "half")
# Levels of results that tell what a halo or a loss is: what, in which picture, and how it is read from the source and a result.
LEVELS = [
    ("darkest beside bright bars, of a ground of 60", "bright bars on dark grey", lambda source, result: int(result.min())),
    ("lightest beside dark bars, of a ground of 190", "dark bars on light grey", lambda source, result: int(result.max())),
    ("lightest on black, away from white text", "white text on black", lambda source, result: int(result[measure.away(source[..., 0] > 0)].max())),
    ("pixels above 16 there", "white text on black", lambda source, result: f"{(result[measure.away(source[..., 0] > 0)] > 16).mean():.0%}"),
    ("darkest of black text of 5 px", "black text on white", lambda source, result: int(result[2:9, 3:100].min())),
    ("pixels above 60 in a starry sky", "starry sky", lambda source, result: int((result.max(axis=2) > 60).sum())),
    ("stripes of red and green finer than a pixel", "red and blue, red and green stripes", lambda source, result: "{} {} {}".format(*result[110, 240])),
]
# Where contact sheets look, in a result; elsewhere than in a corner where kinds of something meet.
PLACES = {"chequerboard, 1 and 2 px": (40, 64), "hair, fair and dark": (72, 40), "red and blue, red and green stripes": (30, 70)}
# Source and result of the kernel's costs: a whole photograph, and what is left of it after scaled decoding by 2 and by 4.
SIZES = [((4032, 3024), (800, 600)), ((2016, 1512), (800, 600)), ((1008, 756), (800, 600))]
# What job J1 does, and the same with more of its work.
JOBS = [
    ("as it is: luma and chroma, decoded at 1/2", "w=800,f=jpeg,q=85"),
    # A cut that does not lie on the grid of a scaled decode.
    ("luma and chroma, decoded whole", "trim.left=1,trim.top=1,w=800,f=jpeg,q=85"),
    # A search looks at the whole picture in RGB, and finds nothing in a photograph.
    ("RGB, decoded whole, the picture in memory", "trim=border,w=800,f=jpeg,q=85"),
]
# A thumbnail, which a scaled decode does most of.
THUMBNAIL = 200


def resized(pixels, width, height):
    """By our kernels in both lights; 8-bit RGB in and out."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ("source", "encoded", "linear")]
        paths[0].write_bytes(pixels.tobytes())
        sizes = [str(side) for side in (pixels.shape[1], pixels.shape[0], width, height)]
        subprocess.run([os.environ["LIGHT_BIN"], paths[0], *sizes, *paths[1:]], check=True)
        return [numpy.frombuffer(path.read_bytes(), dtype=numpy.uint8).reshape(height, width, 3) for path in paths[1:]]


class Judge:
    def __init__(self):
        self.process = subprocess.Popen([os.environ["BENCH_JUDGE"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def score(self, truth, given):
        """SSIMULACRA2, and Butteraugli as the 3-norm."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [f"{folder}/{name}" for name in ("truth", "given")]
            for path, picture in zip(paths, (truth, given)):
                numpy.ascontiguousarray(picture, dtype="<f4").tofile(path)
            self.process.stdin.write("\t".join([*paths, str(truth.shape[1]), str(truth.shape[0])]) + "\n")
            self.process.stdin.flush()
            similarity, _, distance = (float(field) for field in self.process.stdout.readline().split())
        return round(similarity, 2), round(distance, 3)


def of_photograph(path, judge):
    """Scores of one photograph, and where the two lights are farthest apart."""
    source = reference.decode(path)[0][0][0]
    height = round(source.shape[0] * WIDTH / source.shape[1])
    gamma, linear = (reference.scaled_in(light, source, WIDTH, height) for light in reference.LIGHTS)
    pixels = (source * 255).round().astype(numpy.uint8)
    ours = resized(pixels, WIDTH, height)
    encoded, lit = (picture / numpy.float32(255) for picture in ours)
    found = {
        "gamma against linear": judge.score(linear, gamma),
        "linear against gamma": judge.score(gamma, linear),
        "our encoded against gamma": judge.score(gamma, encoded),
        "our linear against linear": judge.score(linear, lit),
        "our encoded against linear": judge.score(linear, encoded),
        "our linear against gamma": judge.score(gamma, lit),
    }
    if source.shape[1] >= 16 * THUMBNAIL:
        # What is left of linear light if a scaled decode has averaged numbers first: as much as leaves half of the reduction to us, or more.
        found["half"] = judge.score(linear, reference.scaled_in("linear", scaled_decode(path, 2), WIDTH, height))
        height = round(source.shape[0] * THUMBNAIL / source.shape[1])
        small = {light: reference.scaled_in(light, source, THUMBNAIL, height) for light in reference.LIGHTS}
        found["thumbnail, gamma"] = judge.score(small["linear"], small["gamma"])
        found["thumbnail, eighth"] = judge.score(small["linear"], reference.scaled_in("linear", scaled_decode(path, 8), THUMBNAIL, height))
    before = measure.light(source)
    found["light kept in gamma"] = round(float(measure.light(gamma).mean() / before.mean()), 4)
    found["light kept in linear"] = round(float(measure.light(linear).mean() / before.mean()), 4)
    apart = numpy.abs(measure.lightness(measure.light(lit)) - measure.lightness(measure.light(encoded)))
    found["mean difference in L*"] = round(float(apart.mean()), 2)
    found["one pixel in 100 differs by, in L*"] = round(float(numpy.percentile(apart, 99)), 2)
    return found, (path.stem, pixels, *ours, place(apart))


def scaled_decode(path, scale):
    """By libjpeg's own scaled decoding."""
    image = Image.open(path)
    image.draft("RGB", (image.width // scale, image.height // scale))
    profile = image.info.get("icc_profile")
    image = reference.to_srgb(reference.ImageOps.exif_transpose(image), profile)
    return numpy.asarray(image, dtype=numpy.float32) / 255


def place(apart):
    """The corner of the place of a contact sheet where the results differ most."""
    width, height = sheet.PLACE
    sums = numpy.pad(apart, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    windows = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = numpy.unravel_index(windows.argmax(), windows.shape)
    return int(left), int(top)


def hard():
    """Figures per picture and light, and rows for contact sheets."""
    found, rows = {"pictures": {}, "levels": {}}, []
    for name, pixels, ground in pictures.made():
        size = (pictures.WIDTH // 4, pictures.HEIGHT // 4)
        ours = resized(pixels, *size)
        # As after a scaled decode: means of 2x2 numbers, then linear light.
        half = numpy.rint(pixels.reshape(pixels.shape[0] // 2, 2, pixels.shape[1] // 2, 2, 3).mean(axis=(1, 3))).astype(numpy.uint8)
        source, *results = (picture / numpy.float64(255) for picture in (pixels, *ours, resized(half, *size)[1]))
        found["pictures"][name] = {light: measure.figures(source, result, ground) for light, result in zip(LIGHTS, results)}
        for what, picture, read in LEVELS:
            if picture == name:
                found["levels"][what] = [read(pixels, result) for result in ours]
        rows.append((name, pixels, *ours, PLACES.get(name, (0, 0))))
    return found, rows


def kernels():
    """Processor time of each size in ms: (encoded, linear, planes)."""
    found = {}
    for (width, height), to in SIZES:
        slopes = numpy.linspace(0, 200, width * height * 3) % 200
        pixels = (slopes + numpy.random.default_rng(0).integers(0, 32, slopes.size)).astype(numpy.uint8)
        with tempfile.NamedTemporaryFile() as file:
            pixels.tofile(file.name)
            sizes = [str(side) for side in (width, height, *to)]
            out = subprocess.run([os.environ["LIGHT_BIN"], file.name, *sizes, "21"], check=True, capture_output=True, text=True).stdout
        found[f"{width}x{height} to {to[0]}x{to[1]}"] = [float(field) for field in out.split()]
    return found


def jobs(photographs):
    """Processor time in ms and peak memory in MB of J1 and its kin, on the photograph of most pixels, cut and scaled to 12 megapixels."""
    path = max(photographs, key=lambda path: (numpy.prod(Image.open(path).size), str(path)))
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/source.jpg"
        image = Image.open(path).convert("RGB")
        scale = min(image.width / 4032, image.height / 3024)
        left, top = (image.width - 4032 * scale) / 2, (image.height - 3024 * scale) / 2
        image = image.resize((4032, 3024), Image.Resampling.LANCZOS, box=(left, top, image.width - left, image.height - top))
        image.info.clear()
        image.save(source, quality=93, subsampling="4:2:0")
        runs = {name: [] for name, _ in JOBS}
        peaks = {}
        for _ in range(3):
            for name, options in JOBS:
                told = subprocess.run([os.environ["JOB_BIN"], source, options, "5", "5000", "-"], check=True, capture_output=True, text=True)
                told = json.loads(told.stdout)
                runs[name] += [run["cpu_us"] / 1000 for run in told["runs"]]
                peaks[name] = told["peak_kb"] / 1000
    return {name: {"cpu_ms": round(statistics.median(times), 1), "peak_mb": round(peaks[name], 1)} for name, times in runs.items()}


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def shown(score):
    return f"{score[0]:.1f} / {score[1]:.2f}"


def scored_lines(photographs, scores):
    """A row for each photograph, and one of medians."""
    lines = [f"| {name} | " + " | ".join(shown(scored[score]) for score in scores) + " |" for name, scored in photographs.items()]
    medians = [[statistics.median(values) for values in zip(*(scored[score] for scored in photographs.values()))] for score in scores]
    return [*lines, "| **median** | " + " | ".join(shown(median) for median in medians) + " |"]


def report(found):
    lines = [
        "# Encoded values or linear light",
        "",
        f"Made by `bench/light/run.sh` on {found['processor']}; what follows from it: [light.md](../../docs/design/light.md). Lanczos with three lobes throughout.",
        "",
        "## Photographs",
        "",
        f"{len(found['photographs'])} photographs to {WIDTH} px. The references are computed in floating point from the whole decode and not rounded, once in gamma (encoded values), once in linear light. "
        "SSIMULACRA2 (100 is equal) / Butteraugli's 3-norm (0 is equal).",
        "",
    ]
    scores = ["gamma against linear", "linear against gamma", "our encoded against gamma", "our linear against linear", "our encoded against linear", "our linear against gamma"]
    lines += ["| photograph | " + " | ".join(scores) + " |", "|---" * (len(scores) + 1) + "|"]
    lines += scored_lines(found["photographs"], scores)
    scaled = ["gamma against linear", "half", "thumbnail, gamma", "thumbnail, eighth"]
    lines += [
        "",
        f"Scaled decoding averages numbers, so it seems to exclude linear light. How much it does, against the reference in linear light, on photographs of at least {16 * THUMBNAIL} px "
        f"(libjpeg's decode at 1/2 for {WIDTH} px and at 1/8 for {THUMBNAIL} px, then linear light in floating point):",
        "",
        f"| photograph | {WIDTH} px: gamma | decode at 1/2, then linear | {THUMBNAIL} px: gamma | decode at 1/8, then linear |",
        "|---|---|---|---|---|",
        *scored_lines({name: scored for name, scored in found["photographs"].items() if "half" in scored}, scaled),
    ]
    lines += [
        "",
        "| photograph | light kept in gamma | in linear | mean difference in L* | one pixel in 100 differs by |",
        "|---|---|---|---|---|",
    ]
    for name, scored in found["photographs"].items():
        lines.append(
            f"| {name} | {scored['light kept in gamma']:.1%} | {scored['light kept in linear']:.1%} | {scored['mean difference in L*']:.2f} | {scored['one pixel in 100 differs by, in L*']:.1f} |"
        )
    lines += [
        "",
        "## Hard pictures",
        "",
        "Drawn by [pictures.py](../light/pictures.py), 1024x768 to 256x192 by our kernels. Each cell: encoded / linear / linear after means of 2x2 numbers, which is what a scaled decode would leave of it. "
        "*Light*: mean luminance, of the source's. *From afar*: mean difference in L* once light is averaged over 4x4 pixels. "
        "*Contrast*: standard deviation of L*, of the source's. *Weight of strokes*: what they differ from the ground in L*, summed, of the source's. "
        "*Haloes*: how far pixels leave the range of the source around them, in L*, one pixel in 200 by more ([measure.py](../light/measure.py)).",
        "",
        "| picture | light | from afar | contrast | weight of strokes | light haloes | dark haloes |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, lights in found["hard"]["pictures"].items():
        cell = lambda figure, form: "-" if lights["encoded"][figure] is None else " / ".join(format(lights[light][figure], form) for light in LIGHTS)
        cells = [cell("light", ".0%"), cell("afar", ".1f"), cell("contrast", ".0%"), cell("weight", ".0%"), cell("light_halo", ".1f"), cell("dark_halo", ".1f")]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "Levels, 0 to 255:", "", "| | encoded | linear |", "|---|---|---|"]
    lines += [f"| {what} | {encoded} | {linear} |" for what, (encoded, linear) in found["hard"]["levels"].items()]
    lines += [
        "",
        "## Cost",
        "",
        "The kernel alone, processor time in ms, median of 21. *Planes*: luma and two halved planes of chroma, which is what JPEG sources go through in encoded values.",
        "",
        "| from, to | RGB, encoded | RGB, linear | ratio | planes, encoded | linear RGB to planes |",
        "|---|---|---|---|---|---|",
    ]
    for name, (encoded, linear, planes) in found["kernels"].items():
        lines.append(f"| {name} | {encoded:.1f} | {linear:.1f} | {linear / encoded:.2f} | {planes:.1f} | {linear / planes:.2f} |")
    lines += ["", "J1 (12 MP JPEG to 800 px JPEG), whole process, processor time in ms; median of 15.", "", "| J1 | CPU | peak memory |", "|---|---|---|"]
    for name, job in found["jobs"].items():
        lines.append(f"| {name} | {job['cpu_ms']:.1f} | {job['peak_mb']:.1f} MB |")
    (encoded, linear, planes), (_, half_linear, half_planes), _ = found["kernels"].values()
    as_is, whole, rgb = (job["cpu_ms"] for job in found["jobs"].values())
    estimates = [
        ("linear as it is built: RGB, decoded whole + (RGB linear - RGB encoded, of the first size above)", rgb + linear - encoded),
        ("linear, were rows of RGB streamed, at the least, since making RGB is not counted: luma and chroma, decoded whole + (RGB linear - planes, of the first size)", whole - planes + linear),
        ("the same after a decode at 1/2, again at the least: as it is + (RGB linear - planes, of the second size)", as_is - half_planes + half_linear),
    ]
    lines += [f"| *estimate:* {name} | *{ms:.1f}* ({ms / as_is:.1f} times) | |" for name, ms in estimates]
    lines.append("")
    return "\n".join(lines)


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    figures, rows = hard()
    files = sheet.sheets(rows, WORK, "hard")
    photographs = sorted(path for path in pathlib.Path(os.environ["BENCH_PHOTOS"]).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if "--sheets" not in sys.argv:
        found = {"processor": processor(), "hard": figures, "kernels": kernels(), "jobs": jobs(photographs), "photographs": {}}
        judge, rows = Judge(), []
        for path in photographs:
            print(path.stem, file=sys.stderr)
            found["photographs"][path.stem], row = of_photograph(path, judge)
            rows.append(row)
        files += sheet.sheets(rows, WORK, "photographs")
        REPORT.mkdir(exist_ok=True)
        (REPORT / "light.json").write_text(json.dumps(found, indent=1) + "\n")
        (REPORT / "light.md").write_text(report(found))
        print(report(found))
    print("look at:", *files, file=sys.stderr)


if __name__ == "__main__":
    main()
