"""Encodes the same frames with Calotype, sharp and gifsicle in turn, judges what comes out, and writes report/animation.{json,md}.

Started by run.sh. Rounds are interleaved; times are medians.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

from judge import judge

HERE = pathlib.Path(__file__).parent
SIDES = {
    # side: {format: (what Calotype or sharp is asked)}
    "calotype": {"gif": "gif", "gif fast": "gif-fast", "webp": "webp-80", "webp lossless": "webp-lossless"},
    "sharp": {"gif": ("gif", {}), "webp": ("webp", {"quality": 80}), "webp lossless": ("webp", {"lossless": True})},
}


class Sharp:
    """One process for all jobs, so that nobody pays for its start."""

    def __init__(self):
        self.process = subprocess.Popen(["node", HERE / "sharp.js"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.versions = {}

    def encode(self, source, request, out):
        job = {**source, "format": request[0], "options": request[1], "out": str(out)}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.versions = answer.pop("versions")
        return answer


def calotype(source, request, out):
    """The mean of some runs, because the system counts CPU time in steps of some milliseconds."""
    command = [os.environ["CALOTYPE_ANIMATE"], source["file"], f"{source['width']}x{source['height']}", str(source["duration_ms"]), request, out, "5"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    wall, cpu = (statistics.mean(float(line.split()[column]) for line in lines) for column in (0, 1))
    return {"wall_ms": wall, "cpu_ms": cpu}


def gifsicle(given, out):
    """Its time is that of a whole process; the start of it is about two milliseconds."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(["gifsicle", "-O3", "--colors", "256", given, "-o", out], check=True, capture_output=True)
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall_ms": wall * 1000, "cpu_ms": cpu * 1000}


def measure(sources, folder, rounds):
    sharp, results = Sharp(), []
    for source in sources:
        of = {}
        for round_ in range(rounds):
            for side, formats in SIDES.items():
                for kind, request in formats.items():
                    out = folder / f"{side} {kind}.{'gif' if kind.startswith('gif') else 'webp'}"
                    took = calotype(source, request, out) if side == "calotype" else sharp.encode(source, request, out)
                    of.setdefault((side, kind), []).append((took, out))
                out = folder / f"{side} gifsicle.gif"
                of.setdefault((f"{side}, then gifsicle", "gif"), []).append((gifsicle(folder / f"{side} gif.gif", out), out))
        shape = (source["frames"], source["height"], source["width"], 4)
        truth = numpy.fromfile(source["file"], dtype=numpy.uint8).reshape(shape)
        for (side, kind), runs in of.items():
            took = {key: round(statistics.median(run[0][key] for run in runs), 1) for key in ("wall_ms", "cpu_ms")}
            out = runs[0][1]
            row = {"source": source["name"], "side": side, "kind": kind, "bytes": out.stat().st_size, **took}
            row |= judge(out, truth, source["duration_ms"])
            results.append(row)
            print(f"{row['source']}: {side} {kind}: {row['bytes']} bytes, {row['cpu_ms']} ms", file=sys.stderr)
    return results, sharp.versions


def table(rows, kinds):
    lines = ["| | | kB | CPU, ms | frames | mean error | of means of 4x4 | SSIM |", "|---|---|---:|---:|---:|---:|---:|---:|"]
    last = None
    for row in rows:
        if row["kind"] in kinds:
            name = row["source"] if row["source"] != last else ""
            last = row["source"]
            side = row["side"] + (" fast" if row["kind"] == "gif fast" else "")
            lines.append(
                f"| {name} | {side} | {row['bytes'] / 1000:.1f} | {row['cpu_ms']:.0f} | {row['frames']} | {row['error']:.2f} | {row['soft_error']:.2f} | {row['ssim']:.4f} |"
            )
    return "\n".join(lines)


def totals(rows, kind):
    sums = {}
    for row in rows:
        if row["kind"] == kind and "gifsicle" not in row["side"]:
            of = sums.setdefault(row["side"], [0, 0])
            of[0] += row["bytes"]
            of[1] += row["cpu_ms"]
    (ours, our_ms), (theirs, their_ms) = sums["calotype"], sums["sharp"]
    return f"{kind}: {ours / theirs:.2f} of sharp's bytes, {our_ms / their_ms:.3f} of its CPU time"


def report(sources, rows, versions, rounds):
    about = "\n".join(f"- **{s['name']}**: {s['what']}; {s['width']}x{s['height']}, {s['frames']} frames" for s in sources)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True).stdout.strip()
    gifsicle_version = subprocess.run(["gifsicle", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    return f"""# Animations: Calotype and sharp

The same frames, scaled beforehand, encoded by both: so this compares encoders alone. Medians of {rounds} rounds, in turn. CPU time is that of all threads.
Written by `bench/animation/run.sh`; every figure is in [animation.json](animation.json).

All sources together: {totals(rows, 'gif')}; {totals(rows, 'webp')}; {totals(rows, 'webp lossless')}.

## The frames

{about}

## GIF

Mean error: of red, green and blue, in levels of 255, on grey where something is transparent, of the frame that is shown at the time of each frame given.
Of means of 4x4: root mean square, what an eye at some distance sees: dithering averages out, steps and blots do not. SSIM: luma, Gaussian window of 11.
`gifsicle -O3 --colors 256` packs what the encoder before it wrote, and reduces it to one table of colours; its time is its own.

{table(rows, ('gif', 'gif fast'))}

## WebP, quality 80

Calotype compares each frame with what was last written at each place; libwebp's own animation encoder, which sharp uses, compares it with the frame before, and
loses changes that come in small steps.

{table(rows, ('webp',))}

## WebP, lossless

{table(rows, ('webp lossless',))}

## Where and with what

- {platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC; load average {os.getloadavg()[0]:.1f} at the end
- calotype {commit}, {os.environ['CALOTYPE_PROFILE']}
- sharp {versions['sharp']} with libvips {versions['vips']}, cgif {versions.get('cgif', '?')}, libwebp {versions.get('webp', '?')}, on its defaults; {gifsicle_version}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photographs", required=True)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "report")
    parser.add_argument("gifs", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, HERE / "frames.py", folder, options.photographs, *options.gifs]
        sources = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows, versions = measure(sources, pathlib.Path(folder), options.rounds)
    for source in sources:
        del source["file"]
    options.out.mkdir(exist_ok=True)
    (options.out / "animation.json").write_text(json.dumps({"sources": sources, "rows": rows, "versions": versions}, indent=1) + "\n")
    (options.out / "animation.md").write_text(report(sources, rows, versions, options.rounds))


main()
