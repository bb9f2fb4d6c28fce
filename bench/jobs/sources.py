"""Makes the pictures that the jobs read from photographs, always the same ones, and keeps them in the work folder.

The photographs: JPEGs of at least 20 megapixels, those of most bytes first. All that is smaller is cut from the middle and scaled down from them,
never up, so that it has the detail of a photograph of its size.
"""

import hashlib
import json
import pathlib
import subprocess

import numpy
from PIL import Image, ImageCms

HERE = pathlib.Path(__file__).parent
LANCZOS = Image.Resampling.LANCZOS
PIXELS_MIN = 20_000_000
FRAMES, FRAME_MS = 24, 80


def photographs(folder, count):
    """The first `count` photographs."""
    found = []
    for path in pathlib.Path(folder).rglob("*"):
        if path.suffix.lower() in (".jpg", ".jpeg"):
            with Image.open(path) as image:
                if image.format == "JPEG" and image.mode == "RGB" and image.width * image.height >= PIXELS_MIN:
                    found.append(path)
    found.sort(key=lambda path: (-path.stat().st_size, str(path)))
    if not found:
        raise SystemExit(f"bench: there is no JPEG of at least {PIXELS_MIN // 1_000_000} megapixels below {folder}")
    return found[:count]


class Sources:
    """The sources that are made of one photograph."""

    def __init__(self, photograph, work):
        self.photograph = photograph
        recipe = hashlib.sha256(pathlib.Path(__file__).read_bytes() + (HERE / "sources.js").read_bytes() + photograph.read_bytes())
        self.name = photograph.stem
        self.folder = work / f"{self.name}-{recipe.hexdigest()[:12]}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, recipe):
        """The file of a recipe; made if it is not there yet."""
        make, suffix = RECIPES[recipe]
        path = self.folder / f"{recipe}.{suffix}"
        if not path.exists():
            part = path.with_suffix(f".part.{suffix}")
            make(self, part)
            part.rename(path)
        return path

    def cut(self, width, height):
        """The middle of the photograph, scaled."""
        image = Image.open(self.photograph)
        scale = min(image.width / width, image.height / height)
        left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
        image = image.convert("RGB").resize((width, height), LANCZOS, box=(left, top, image.width - left, image.height - top))
        # Or Pillow would write the photograph's own profile into some formats.
        image.info.clear()
        return image

    def camera_12mp(self, out):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        self.cut(4032, 3024).save(out, quality=93, subsampling="4:2:0", icc_profile=profile)

    def camera_12mp_plain(self, out):
        out.write_bytes(without_profile(self.path("camera-12mp").read_bytes()))

    def plain_6mp(self, out):
        self.cut(3000, 2000).save(out, quality=90, subsampling="4:2:0")

    def alpha_6mp(self, out):
        """Round, with a soft edge."""
        image = self.cut(3000, 2000)
        y, x = numpy.mgrid[-1 : 1 : 2000j, -1 : 1 : 3000j]
        alpha = numpy.clip((1 - numpy.hypot(x, y)) / 0.15 + 0.5, 0, 1) * 255
        image.putalpha(Image.fromarray(alpha.round().astype(numpy.uint8)))
        image.save(out)

    def animated(self, out):
        """A window of 640x480 that moves over the photograph."""
        image = self.cut(1200, 900)
        frames = [image.crop((step * 20, step * 15, step * 20 + 640, step * 15 + 480)) for step in range(FRAMES)]
        frames = [frame.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG) for frame in frames]
        frames[0].save(out, save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, optimize=False)

    def large(self, out):
        out.write_bytes(self.photograph.read_bytes())

    def large_plain(self, out):
        out.write_bytes(without_profile(self.photograph.read_bytes()))

    def by_sharp(self, out, width, height, **how):
        raw = out.with_suffix(".raw")
        raw.write_bytes(self.cut(width, height).tobytes())
        job = {"raw": str(raw), "width": width, "height": height, "out": str(out), **how}
        subprocess.run(["node", HERE / "sources.js"], input=json.dumps(job), text=True, check=True)
        raw.unlink()

    def p3_12mp(self, out):
        self.by_sharp(out, 4032, 3024, profile="p3", format="jpeg", options={"quality": 93, "chromaSubsampling": "4:2:0"})

    def cmyk_6mp(self, out):
        self.by_sharp(out, 3000, 2000, profile="cmyk", format="jpeg", options={"quality": 90})

    def avif_6mp(self, out):
        self.by_sharp(out, 3000, 2000, format="avif", options={"quality": 65, "effort": 1, "chromaSubsampling": "4:2:0", "bitdepth": 8})

    def avif_12mp(self, out):
        self.by_sharp(out, 4032, 3024, format="avif", options={"quality": 65, "effort": 1, "chromaSubsampling": "4:2:0", "bitdepth": 8})


RECIPES = {
    "camera-12mp": (Sources.camera_12mp, "jpg"),
    "camera-12mp-plain": (Sources.camera_12mp_plain, "jpg"),
    "plain-6mp": (Sources.plain_6mp, "jpg"),
    "alpha-6mp": (Sources.alpha_6mp, "png"),
    "animated": (Sources.animated, "gif"),
    "large": (Sources.large, "jpg"),
    "large-plain": (Sources.large_plain, "jpg"),
    "p3-12mp": (Sources.p3_12mp, "jpg"),
    "cmyk-6mp": (Sources.cmyk_6mp, "jpg"),
    "avif-6mp": (Sources.avif_6mp, "avif"),
    "avif-12mp": (Sources.avif_12mp, "avif"),
}


def without_profile(jpeg):
    """The same JPEG without the segments that hold a profile (ICC.1, B.4); its pixels are not touched."""
    out, at = bytearray(jpeg[:2]), 2
    while jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if not (jpeg[at + 1] == 0xE2 and jpeg[at + 4 : at + 16] == b"ICC_PROFILE\0"):
            out += jpeg[at:end]
        at = end
    return bytes(out) + jpeg[at:]
