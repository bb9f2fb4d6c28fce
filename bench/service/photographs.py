"""Makes the photographs that the servers are asked for: the same 100 pictures as JPEG, PNG, WebP and AVIF.

photographs.py FOLDER OUT COUNT FORMAT ...

Cuts of different places, shapes and sizes of the photographs below FOLDER, from 2 megapixels to the largest there are, scaled down by different amounts and
never up. Prints a JSON object, by format, of {name, file, width, height, bytes}. What is there already is not made again.
"""

import hashlib
import json
import pathlib
import sys

from PIL import Image

AREA_MIN = 2_000_000
SHAPES = [(3, 2), (4, 3), (2, 3), (16, 9), (1, 1), (3, 4)]
# Some quality of every photograph on the web; the encoders' speed is of no matter here.
SAVE = {
    "jpeg": {"quality": 88, "subsampling": "4:2:0"},
    "png": {"compress_level": 3},
    "webp": {"quality": 82, "method": 2},
    "avif": {"quality": 65, "speed": 9, "subsampling": "4:2:0"},
}


def originals(folder):
    found = []
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg"):
            with Image.open(path) as image:
                if image.format == "JPEG" and image.mode == "RGB" and image.width * image.height >= AREA_MIN:
                    found.append((path, image.width, image.height))
    return found


def cuts(found, count):
    """Of the n-th picture: the photograph, the box in it and the size."""
    largest = max(width * height for _, width, height in found)
    for index in range(count):
        area = AREA_MIN * (largest / AREA_MIN) ** (index / max(count - 1, 1))
        shapes = SHAPES[index % len(SHAPES):] + SHAPES[: index % len(SHAPES)]
        # The first shape that some photograph is large enough for; the largest photograph as it is, if there is none.
        sizes = [(round((area * across / down) ** 0.5), round((area * down / across) ** 0.5)) for across, down in shapes]
        size, able = next(((size, able) for size in sizes if (able := [each for each in found if each[1] >= size[0] and each[2] >= size[1]])), (None, None))
        if not able:
            path, width, height = max(found, key=lambda each: each[1] * each[2])
            yield path, (0, 0, width, height), (width, height)
            continue
        path, width, height = able[index % len(able)]
        part = [(index * step) % 1 for step in (0.6180339887, 0.7548776662, 0.5698402910)]
        scale = 1 + (min(width / size[0], height / size[1]) - 1) * part[0]
        left, top = (width - size[0] * scale) * part[1], (height - size[1] * scale) * part[2]
        yield path, (left, top, left + size[0] * scale, top + size[1] * scale), size


def main():
    folder, out, count, formats = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    recipe = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:8]
    made = {format: [] for format in formats}
    opened = (None, None)
    for index, (path, box, size) in enumerate(cuts(originals(folder), count)):
        for format in formats:
            file = out / f"{recipe}-{count}" / format / f"{index:03}.{'jpg' if format == 'jpeg' else format}"
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                if opened[0] != index:
                    opened = (index, Image.open(path).resize(size, Image.Resampling.LANCZOS, box=box))
                    opened[1].info.clear()
                part = file.with_suffix(f".part{file.suffix}")
                opened[1].save(part, **SAVE[format])
                part.rename(file)
            made[format].append({"name": file.name, "file": str(file), "width": size[0], "height": size[1], "bytes": file.stat().st_size})
    json.dump(made, sys.stdout)


main()
