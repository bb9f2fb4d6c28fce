"""The jobs, and what each side is asked for in each of them.

Where a job says `like`, that is what makes the other sides do what Calotype does: keep it beside the encoders of calotype-codec. Sources `like` a job's
own have no profile, so that nobody converts colours.
"""

import dataclasses

# mozjpeg's tables and progressive script, without trellis quantisation and without a search over scripts: jpeg/encode.rs.
SHARP_JPEG = {"progressive": True, "optimiseScans": False, "quantisationTable": 3, "trellisQuantisation": False, "overshootDeringing": False}
# Method 2: webp/encode.rs.
SHARP_WEBP = {"effort": 2}
# Speed 8 of libaom, halved chroma, 8 bit: avif/encode.rs. sharp's effort is 9 - speed.
SHARP_AVIF = {"effort": 1, "chromaSubsampling": "4:2:0", "bitdepth": 8}
# A fast deflate after a filter chosen per row: png/encode.rs.
SHARP_PNG = {"compressionLevel": 1, "adaptiveFiltering": True}
# Its fastest quantiser; ours has no levels.
SHARP_GIF = {"effort": 1}


@dataclasses.dataclass(frozen=True)
class Job:
    name: str
    title: str
    source: str  # A recipe of sources.py.
    like: str | None  # The source without a profile; None where that would be another picture.
    width: int
    format: str
    quality: int | None  # None where the format has none.
    sharp_like: dict
    ladder: tuple = ()  # Qualities of Calotype whose bytes are interpolated at sharp's score.
    animated: bool = False
    alpha: bool = False

    @property
    def options(self):
        return self.options_at(self.quality)

    def options_at(self, quality):
        """As a URL of Calotype says it."""
        return f"w={self.width},f={self.format}" + (f",q={quality}" if quality else "")


JPEG_LADDER = (55, 65, 72, 78, 82, 85, 88, 92)
WEBP_LADDER = (50, 62, 70, 75, 80, 85, 90)

JOBS = [
    Job("J1", "12 MP camera JPEG to JPEG", "camera-12mp", "camera-12mp-plain", 800, "jpeg", 85, SHARP_JPEG, JPEG_LADDER),
    Job("J2", "12 MP camera JPEG to WebP", "camera-12mp", "camera-12mp-plain", 800, "webp", 80, SHARP_WEBP, WEBP_LADDER),
    Job("J3", "12 MP camera JPEG to AVIF", "camera-12mp", "camera-12mp-plain", 800, "avif", 50, SHARP_AVIF, (30, 40, 50, 60, 70)),
    Job("J4", "6 MP JPEG without profile to JPEG", "plain-6mp", "plain-6mp", 327, "jpeg", 80, SHARP_JPEG, (50, 60, 68, 74, 80, 85, 90)),
    Job("J5 PNG", "6 MP RGBA PNG to PNG", "alpha-6mp", "alpha-6mp", 600, "png", None, SHARP_PNG, alpha=True),
    Job("J5 WebP", "6 MP RGBA PNG to WebP", "alpha-6mp", "alpha-6mp", 600, "webp", 80, SHARP_WEBP, WEBP_LADDER, alpha=True),
    Job("J6 WebP", "animated GIF to WebP", "animated", "animated", 300, "webp", 80, SHARP_WEBP, WEBP_LADDER, animated=True),
    Job("J6 GIF", "animated GIF to GIF", "animated", "animated", 300, "gif", None, SHARP_GIF, animated=True),
    Job("J7 P3", "12 MP Display P3 JPEG to JPEG", "p3-12mp", None, 800, "jpeg", 85, SHARP_JPEG, JPEG_LADDER),
    Job("J7 CMYK", "6 MP CMYK JPEG to JPEG", "cmyk-6mp", None, 800, "jpeg", 85, SHARP_JPEG, JPEG_LADDER),
    Job("J8", "24 MP JPEG to WebP", "large", "large-plain", 1998, "webp", 80, SHARP_WEBP, (62, 70, 75, 80, 85)),
    Job("J9 6 MP", "6 MP AVIF to JPEG", "avif-6mp", "avif-6mp", 800, "jpeg", 85, SHARP_JPEG, JPEG_LADDER),
    Job("J9 12 MP", "12 MP AVIF to JPEG", "avif-12mp", "avif-12mp", 800, "jpeg", 85, SHARP_JPEG, JPEG_LADDER),
]
