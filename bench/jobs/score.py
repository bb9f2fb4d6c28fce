"""Scores results: SSIMULACRA2 and Butteraugli against the references in gamma and in linear light; alpha and timing by themselves.

References are kept in the work folder; results are judged once, however often they were made.
"""

import functools
import hashlib
import pathlib
import statistics
import subprocess
import tempfile

import numpy

import reference


class Scorer:
    def __init__(self, judge, work):
        self.work = work / "references"
        self.work.mkdir(parents=True, exist_ok=True)
        self.judge = subprocess.Popen([judge], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.recipe = hashlib.sha256(pathlib.Path(reference.__file__).read_bytes()).hexdigest()[:8]
        self.known = {}

    def score(self, source, result, alpha=False):
        """All that is known of one result; {"error": ...} where it cannot be judged at all."""
        key = (source, hashlib.sha256(result.read_bytes()).digest())
        if key not in self.known:
            self.known[key] = self.scored(source, result, alpha)
        return self.known[key]

    def scored(self, source, result, alpha):
        frames, times = reference.decode(result)
        height, width = frames[0][0].shape[:2]
        expected_times = decoded(source)[1]
        about = {"width": width, "height": height, "frames": len(frames)}
        if len(frames) != len(expected_times):
            return about | {"error": f"{len(frames)} frames instead of {len(expected_times)}"}
        if len(frames) > 1:
            about["timing_equal"] = times == expected_times
        for light in reference.LIGHTS:
            scores = []
            for index, (picture, _) in enumerate(frames):
                truth = self.truth(source, index, light, width, height)
                for ground in (1, 0) if alpha else (1,):
                    scores.append(self.judged(reference.on(ground, truth), reference.on(ground, picture)))
            names = ("ssimulacra2", "butteraugli", "butteraugli_3norm")
            about[light] = {name: round(statistics.mean(score[at] for score in scores), 3) for at, name in enumerate(names)}
        if alpha:
            truth = self.truth(source, 0, "gamma", width, height)[..., 3]
            given = frames[0][0][..., 3] if frames[0][0].shape[2] == 4 else numpy.ones_like(truth)
            error = numpy.abs(given * 255 - (truth * 255).round())
            about["alpha_error"] = {"most": round(float(error.max())), "mean": round(float(error.mean()), 4)}
        return about

    def truth(self, source, index, light, width, height):
        path = self.work / f"{source.parent.name}-{source.stem}-{index}-{light}-{width}x{height}-{self.recipe}.npy"
        if not path.exists():
            made = reference.reference(decoded(source)[0][index], light, width, height)
            part = path.with_suffix(".part.npy")
            numpy.save(part, made)
            part.rename(path)
        return numpy.load(path)

    def judged(self, truth, given):
        with tempfile.TemporaryDirectory() as folder:
            paths = [f"{folder}/{name}" for name in ("truth", "given")]
            for path, picture in zip(paths, (truth, given)):
                numpy.ascontiguousarray(picture, dtype="<f4").tofile(path)
            height, width = truth.shape[:2]
            self.judge.stdin.write("\t".join([*paths, str(width), str(height)]) + "\n")
            self.judge.stdin.flush()
            answer = self.judge.stdout.readline()
        if not answer:
            raise RuntimeError("the judge ended; what it said is above")
        return [float(field) for field in answer.split()]


@functools.lru_cache(maxsize=1)
def decoded(source):
    return reference.decode(source, keep_profile=True)
