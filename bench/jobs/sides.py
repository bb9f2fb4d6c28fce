"""The sides of the comparison: how each is asked for a job, and with which settings.

A side is run as a process of its own, pinned to one core, that makes the job some times and prints one JSON object (meter.rs, sharp.js).
"""

import dataclasses
import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
# Where each setting costs oximg least time, whatever it does to bytes and quality.
OXIMG_FASTEST = {
    "PRESET": "fast",
    "OXIMG_RESIZE": "srgb",
    "OXIMG_DCT_MARGIN": "1",
    "OXIMG_ICC": "0",
    "OXIMG_WEBP_EFFORT": "0",
    "OXIMG_PNG_EFFORT": "fastest",
    "OXIMG_AVIF_SPEED": "13",
}


@dataclasses.dataclass(frozen=True)
class Side:
    name: str
    about: str
    product: str
    like: bool = False
    settings: tuple = ()


USERS = [
    Side("calotype", "on its defaults", "calotype"),
    Side("sharp", "on its defaults, one thread, no cache", "sharp"),
    Side("oximg", "on its defaults", "oximg"),
    Side("oximg fastest", "each setting where it costs least time", "oximg", settings=tuple(OXIMG_FASTEST.items())),
]
LIKE = [
    Side("calotype", "on its defaults", "calotype", like=True),
    Side("sharp", "with the encoder settings of Calotype", "sharp", like=True),
    Side("oximg", "scaling in gamma, as the others do", "oximg", like=True, settings=(("OXIMG_RESIZE", "srgb"),)),
]


class Unable(Exception):
    """The side does not do this job."""


@dataclasses.dataclass
class Runner:
    core: int
    repeats: int
    budget_ms: int
    calotype: str
    oximg: str | None
    oximg_has_avif: bool

    def command(self, side, job, source, out, quality, repeats):
        quality = quality or job.quality
        tail = [str(repeats), str(self.budget_ms), str(out)]
        if side.product == "calotype":
            return [self.calotype, str(source), job.options_at(quality), *tail]
        if side.product == "sharp":
            options = ({"quality": quality} if quality else {}) | (job.sharp_like if side.like else {})
            return ["node", str(HERE / "sharp.js"), str(source), str(job.width), job.format, json.dumps(options), str(job.animated).lower(), *tail]
        if not self.oximg:
            raise Unable("not installed")
        if job.format == "gif":
            raise Unable("writes no GIF")
        if job.animated and job.format not in ("webp", "gif"):
            raise Unable("writes no animation in this format")
        if not self.oximg_has_avif and (job.format == "avif" or source.suffix == ".avif"):
            raise Unable("built without AVIF, which needs SVT-AV1 4.1 and dav1d of the system")
        encoder = dict(side.settings).get("PRESET", "jpegli")
        return [self.oximg, str(source), str(job.width), job.format, str(quality or 80), encoder, *tail]

    def run(self, side, job, source, out, quality=None, repeats=None):
        """One process; what it printed."""
        command = self.command(side, job, source, out, quality, self.repeats if repeats is None else repeats)
        environment = os.environ | dict(side.settings)
        done = subprocess.run(["taskset", "--cpu-list", str(self.core), *command], capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise Unable(f"fails: {(done.stderr.strip() or f'ended with {done.returncode}').splitlines()[-1][:200]}")
        return json.loads(done.stdout)
