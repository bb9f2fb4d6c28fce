"""Reads what was sent with other people's decoders: Pillow (libjpeg-turbo, libpng, libwebp, libavif), webpinfo, avifdec with dav1d.

A line of JSON per source file comes in, a line goes out: what is wrong, and how far lossy results are from the exact one. The exact one is the PNG of
the same job, and that is held against the manifest's grid of the source.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import warnings

import numpy as np
from PIL import Image

Image.MAX_IMAGE_PIXELS = None
warnings.simplefilter("ignore")

PILLOW_NAMES = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/gif": "GIF",
}
# How far a lossy result may be from the exact one, in root mean square levels, as a share of what Pillow's encoder of the same format makes of the
# same picture at the same quality, and a constant for what is nearly exact. Encoders differ in their tables: libjpeg-turbo's are not mozjpeg's.
LOSSY_SHARE, LOSSY_LEVELS = 1.6, 2.5
# In pictures smaller than a block, what is padded counts as much as what is there.
BLOCK_PX, LOSSY_LEVELS_IN_A_BLOCK = 8, 8.0
# Cells of a resized picture mix a little across their borders.
RESIZE_LEVELS = 4.0
# A frame of an animation against the source's frame, by cells: 256 colours, exact, and lossy (noise leaves little of itself).
FRAME_LEVELS = {"gif-animated": 16.0, "webp-lossless-animated": 10.0, "webp-animated": 40.0}
QUALITY = 85


def rgba(image):
    return np.asarray(image.convert("RGBA"), dtype=np.float64)


def on_white(pixels):
    alpha = pixels[..., 3:] / 255.0
    return pixels[..., :3] * alpha + 255.0 * (1.0 - alpha)


def rms(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2)))


def cells(pixels, source_size):
    """Means of 4 by 4 cells on white. Borders are those of the source's grid, at the resized picture's scale; pixels on a border count in part."""
    flat = on_white(pixels)

    def weights(side, source_side):
        starts = [round(i * source_side / 4) * side / source_side for i in range(5)]
        at = np.arange(side)
        rows = [np.clip(np.minimum(at + 1, end) - np.maximum(at, start), 0, 1) for start, end in zip(starts, starts[1:])]
        return np.array([row / max(row.sum(), 1e-9) for row in rows])

    down = weights(flat.shape[0], source_size[1])
    across = weights(flat.shape[1], source_size[0])
    return np.einsum("iy,jx,yxc->ijc", down, across, flat).reshape(16, 3)


def encoded_by_pillow(pixels, kind):
    """The same picture through Pillow's encoder of the same format and quality."""
    image = Image.fromarray(pixels.astype(np.uint8), "RGBA")
    out = io.BytesIO()
    if kind in ("jpeg", "baseline-jpeg"):
        flat = Image.fromarray(np.rint(on_white(pixels)).astype(np.uint8), "RGB")
        flat.save(out, "JPEG", quality=QUALITY, subsampling="4:2:0")
    elif kind == "webp":
        image.save(out, "WEBP", quality=QUALITY, method=2)
    elif kind == "avif":
        image.save(out, "AVIF", quality=QUALITY, speed=9, subsampling="4:2:0")
    elif kind == "gif":
        quantised = image.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG)
        return np.dstack([rgba(quantised)[..., :3], pixels[..., 3]])
    return rgba(Image.open(out))


class Reader:
    def __init__(self, job):
        self.job = job
        self.wrong = []
        self.distances = {}
        self.exact = None

    def fail(self, name, text):
        self.wrong.append([name, text])

    def open(self, output):
        """Whole and of the announced type and size, or a word about it."""
        name, path = output["name"], output["path"]
        image = Image.open(path)
        wanted = PILLOW_NAMES[output["content_type"]]
        if image.format != wanted:
            self.fail(name, f"is {image.format}, sent as {wanted}")
        if list(image.size) != output["size"]:
            self.fail(name, f"is {image.size}, announced as {output['size']}")
        image.load()
        return image

    def read(self):
        outputs = {output["name"]: output for output in self.job["outputs"]}
        if "png" in outputs:
            # The source's own PNG is no result of ours, but it is the exact picture as well.
            self.png(outputs["png"])
        for name, output in outputs.items():
            try:
                if output["passed_through"]:
                    self.original(output)
                elif name == "png":
                    continue
                elif name == "json":
                    self.json(output)
                elif name == "samples":
                    self.samples(output)
                elif name in ("rgb", "rgba"):
                    self.raw(output)
                elif name.endswith("-animated"):
                    self.animation(output)
                elif self.exact is not None:
                    self.still(output)
            except Exception as error:  # Whatever a reader says is a finding.
                self.fail(name, f"{type(error).__name__}: {error}")
        self.foreign_tools(outputs.values())
        return {"wrong": self.wrong, "distances": self.distances}

    def png(self, output):
        try:
            image = self.open(output)
        except Exception as error:
            if not output["passed_through"]:
                self.fail("png", f"{type(error).__name__}: {error}")
            return
        self.exact = rgba(image)
        grid, shown = self.job["grid"], self.job["shown"]
        if grid and min(shown) >= 32 and min(image.size) >= 32:
            off = float(np.abs(cells(self.exact, shown) - np.array(grid)).max())
            self.distances["png-grid"] = off
            if off > self.job["grid_tolerance"] + RESIZE_LEVELS:
                self.fail("png", f"a cell is {off:.1f} levels from the manifest's")

    def original(self, output):
        """What is sent as the source's own file is that file. How others read it stands in the manifest."""
        if open(output["path"], "rb").read() != open(self.job["path"], "rb").read():
            self.fail(output["name"], "is said to be the source, and is not")
        if PILLOW_NAMES[output["content_type"]].lower() != self.job["format"]:
            self.fail(output["name"], f"is sent as {output['content_type']}, the source is {self.job['format']}")

    def still(self, output):
        name = output["name"]
        image = self.open(output)
        if getattr(image, "n_frames", 1) != 1:
            self.fail(name, f"has {image.n_frames} frames")
        pixels = rgba(image)
        if pixels.shape != self.exact.shape:
            return
        if name == "webp-lossless" and output["content_type"] == "image/webp":
            differing = np.abs(pixels - self.exact).max(axis=2)
            differing[(pixels[..., 3] == 0) & (self.exact[..., 3] == 0)] = 0
            if differing.max() > 0:
                self.fail(name, f"differs from the PNG by up to {differing.max():.0f}")
            return
        is_jpeg = output["content_type"] == "image/jpeg"
        if is_jpeg and name in ("jpeg", "baseline-jpeg") and not output["is_rewrapped"]:
            progressive = bool(image.info.get("progressive"))
            area = image.size[0] * image.size[1]
            if progressive != (name == "jpeg" and 2500 <= area <= 9_000_000):
                self.fail(name, f"progressive is {progressive} at {area} pixels")
        kind = {"image/jpeg": "jpeg", "image/webp": "webp", "image/avif": "avif", "image/gif": "gif"}.get(output["content_type"])
        if kind is None:
            return
        ours, theirs, exact = pixels, encoded_by_pillow(self.exact, kind), self.exact
        if kind == "gif":
            # A pixel is there or it is not; colours count where it is wholly there.
            clear = exact[..., 3] == 0
            if (ours[clear][:, 3] != 0).any() or (ours[exact[..., 3] == 255][:, 3] != 255).any():
                self.fail(name, "is not transparent where the PNG is, or the other way round")
            solid = exact[..., 3] == 255
            if not solid.any():
                return
            distance = rms(ours[solid][:, :3], exact[solid][:, :3])
            reference = rms(theirs[solid][:, :3], exact[solid][:, :3])
        else:
            distance = rms(on_white(ours), on_white(exact))
            reference = rms(on_white(theirs), on_white(exact))
            if kind != "jpeg":
                distance = max(distance, rms(ours[..., 3], exact[..., 3]))
                reference = max(reference, rms(theirs[..., 3], exact[..., 3]))
        self.distances[name] = [distance, reference]
        levels = LOSSY_LEVELS_IN_A_BLOCK if max(image.size) < BLOCK_PX else LOSSY_LEVELS
        if distance > LOSSY_SHARE * reference + levels:
            self.fail(name, f"is {distance:.1f} levels from the PNG, Pillow's encoder {reference:.1f}")

    def raw(self, output):
        name = output["name"]
        channels = len(name)
        width, height = output["size"]
        data = np.fromfile(output["path"], dtype=np.uint8)
        if data.size != width * height * channels:
            self.fail(name, f"has {data.size} bytes for {width}x{height}")
            return
        if self.exact is None:
            return
        pixels = data.reshape(height, width, channels).astype(np.float64)
        if channels == 3:
            off = np.abs(pixels - on_white(self.exact)).max()
        else:
            differing = np.abs(pixels - self.exact).max(axis=2)
            differing[(pixels[..., 3] == 0) & (self.exact[..., 3] == 0)] = 0
            off = differing.max()
        # Compositing on white rounds.
        if off > (0.51 if channels == 3 else 0):
            self.fail(name, f"differs from the PNG by up to {off:.1f}")

    def samples(self, output):
        """Samples of 16 bits against Pillow's own, which are the manifest's: cut by them, rounded by us, so one level apart at most."""
        if not self.job["cut_sha256"]:
            return
        theirs = np.ascontiguousarray(np.asarray(Image.open(self.job["path"]).convert("RGBA")))
        if hashlib.sha256(theirs.tobytes()).hexdigest() != self.job["cut_sha256"]:
            self.fail("samples", "Pillow no longer sees the manifest's pixels")
            return
        ours = np.fromfile(output["path"], dtype=np.uint8).reshape(theirs.shape)

        def seen(pixels):
            pixels = pixels.astype(np.float64)
            return np.dstack([pixels[..., :3] * pixels[..., 3:] / 255.0, pixels[..., 3]])

        # Colour counts by its alpha, which is one level off as well.
        off = np.abs(seen(ours) - seen(theirs)).max()
        self.distances["samples"] = float(off)
        if off > 2.0:
            self.fail("samples", f"differs from the reference's samples by up to {off:.1f}")

    def json(self, output):
        described = json.load(open(output["path"]))
        original = described["original"]
        if self.exact is not None:
            height, width = self.exact.shape[:2]
            if (described["width"], described["height"]) != (width, height):
                self.fail("json", f"says {described['width']}x{described['height']}, the PNG is {width}x{height}")
        wanted = {"file_size": self.job["bytes"], "width": self.job["shown"][0], "height": self.job["shown"][1]}
        for key, value in wanted.items():
            if value and original.get(key, value) != value:
                self.fail("json", f"says original.{key} is {original[key]}, not {value}")

    def animation(self, output):
        """Frame by frame against the source's frames."""
        name = output["name"]
        theirs = [SourceFrame(frame) for frame in self.job["frames"]]
        image = self.open(output)
        ours = frames_of(image)
        if len(theirs) < 2:
            return
        if len(ours) > len(theirs):
            self.fail(name, f"has {len(ours)} frames, the source {len(theirs)}")
            return
        if len(ours) == 1:
            # All frames look alike: they must do so in the source.
            pairs = [(ours[0], frame) for frame in theirs]
        else:
            total, wanted = sum(frame.duration for frame in ours), sum(frame.duration for frame in theirs)
            # GIF counts in hundredths of a second, WebP in thousandths; writers keep the sum.
            slack = 10 if image.format == "GIF" else 1
            if abs(total - wanted) > slack:
                self.fail(name, f"is shown for {total:.0f} ms, the source for {wanted:.0f} ms")
            if self.job["is_endless"] != (image.info.get("loop") == 0):
                self.fail(name, f"its loop is {image.info.get('loop')}, but the source's endless: {self.job['is_endless']}")
            pairs = list(zip(ours, theirs)) if len(ours) == len(theirs) else by_time(ours, theirs)
            if pairs is None:
                self.fail(name, f"has {len(ours)} frames, the source {len(theirs)}")
                return
        if min(image.size) < 32 or any(len(frame.cells) != 16 for frame in theirs):
            return
        # Pillow clears to black in a GIF whose first frame has nothing clear; libvips and browsers clear to nothing.
        if image.format == "GIF" and not theirs[0].is_clear and any(frame.is_clear for frame in theirs):
            return
        # A GIF's pixel is there or it is not: frames with half-clear pixels look different.
        pairs = [(mine, other) for mine, other in pairs if image.format != "GIF" or not other.is_half_clear]
        offs = [float(np.abs(mine.cells - other.cells).max()) for mine, other in pairs]
        if not offs:
            return
        self.distances[name] = max(offs)
        if max(offs) > FRAME_LEVELS[name]:
            self.fail(name, f"a cell of frame {offs.index(max(offs))} is {max(offs):.1f} levels from the source's")

    def foreign_tools(self, outputs):
        for output in outputs:
            if output["passed_through"]:
                continue
            if output["content_type"] == "image/webp" and WEBPINFO:
                done = subprocess.run(["webpinfo", "-diag", output["path"]], capture_output=True, text=True)
                if done.returncode or "No error detected" not in done.stdout:
                    self.fail(output["name"], "webpinfo: " + " ".join((done.stdout + done.stderr).split())[:200])
            if output["content_type"] == "image/avif" and AVIFDEC:
                png = output["path"] + ".dav1d.png"
                done = subprocess.run(["avifdec", "-c", "dav1d", output["path"], png], capture_output=True, text=True)
                if done.returncode:
                    self.fail(output["name"], "avifdec: " + " ".join((done.stdout + done.stderr).split())[:200])
                    continue
                theirs, again = rgba(Image.open(output["path"])), rgba(Image.open(png))
                os.remove(png)
                # Both convert planes by libyuv or by libavif's own code, which differ by a few levels.
                if theirs.shape != again.shape or rms(on_white(theirs), on_white(again)) > 3:
                    self.fail(output["name"], "dav1d sees another picture than Pillow")


class SourceFrame:
    """What is told of a frame of the source."""

    def __init__(self, told):
        self.cells = np.asarray(told["cells"], dtype=np.float64).reshape(-1, 3)
        self.is_half_clear = told["is_half_clear"]
        self.is_clear = told["is_clear"]
        self.duration = told["duration_ms"]


class Frame:
    """What is kept of a frame of a result."""

    def __init__(self, image):
        pixels = np.asarray(image.convert("RGBA"))
        alpha = pixels[..., 3]
        self.cells = cells(pixels.astype(np.float32), image.size)
        self.is_half_clear = bool(((alpha > 0) & (alpha < 255)).any())
        self.duration = float(image.info.get("duration", 0) or 0)


def frames_of(image):
    """All frames, without the picture that an APNG shows where animations are not known."""
    frames = []
    for index in range(1 if getattr(image, "default_image", False) else 0, getattr(image, "n_frames", 1)):
        image.seek(index)
        frames.append(Frame(image))
    return frames


def by_time(ours, theirs):
    """The frames that are shown in the middle of every frame of the source; None where frames have no duration."""
    if any(frame.duration <= 0 for frame in theirs):
        return None
    pairs, now = [], 0.0
    for frame in theirs:
        end = 0.0
        for mine in ours:
            end += mine.duration
            if now + frame.duration / 2 < end:
                pairs.append((mine, frame))
                break
        else:
            return None
        now += frame.duration
    return pairs


def has(tool):
    try:
        subprocess.run([tool, "-h"], capture_output=True)
        return True
    except FileNotFoundError:
        return False


WEBPINFO, AVIFDEC = has("webpinfo"), has("avifdec")

if __name__ == "__main__":
    print(json.dumps({"webpinfo": WEBPINFO, "avifdec": AVIFDEC}), flush=True)
    for line in sys.stdin:
        print(json.dumps(Reader(json.loads(line)).read()), flush=True)
