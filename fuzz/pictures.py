"""Files of a folder as first inputs for the targets of pictures, and the colour profiles and metadata blocks in them for those that read blocks.

    pictures.py FOLDER CORPUS BYTES_MAX

Called by seeds.sh. Files are named by their content, so that it is safe to run again. Larger files only slow the fuzzer down.
"""

import hashlib
import re
import sys
import zlib
from pathlib import Path

FORMATS = [  # target, what a file of the format begins with
    ("decode_jpeg", rb"\xff\xd8"),
    ("decode_png", rb"\x89PNG"),
    ("decode_gif", rb"GIF8"),
    ("decode_webp", rb"RIFF....WEBP"),
    ("decode_avif", rb"....ftypavi"),
    ("decode_heic", rb"....ftyp(?:hei|mif|msf|hev)"),
    ("decode_jxl", rb"\xff\x0a|....JXL "),
    ("decode_tiff", rb"II[*+]\0|MM\0[*+]"),
    ("decode_bmp", rb"BM"),
    ("decode_ico", rb"\0\0[\1\2]\0"),
    ("svg", rb"\s*<(?:svg|\?xml|!--|!DOCTYPE)|\x1f\x8b"),
]
MOVING = {"decode_png", "decode_gif", "decode_webp", "decode_avif", "decode_jxl"}


def blocks(picture: bytes):
    """Profiles and metadata blocks, by what they begin with, wherever they are."""
    texts = [picture]
    for chunk in re.finditer(rb"iCCP[^\0]{1,79}\0\0|zXIf", picture):
        try:
            texts.append(zlib.decompressobj().decompress(picture[chunk.end() :], 1 << 20))
        except zlib.error:
            pass
    for text in texts:
        for mark in re.finditer(rb"acsp", text):
            start = mark.start() - 36
            if start >= 0:
                size = int.from_bytes(text[start : start + 4], "big")
                if 128 <= size <= len(text) - start:
                    yield "icc", text[start : start + size]
        for mark in re.finditer(rb"(?s)(..)Exif\0\0(?=II\*\0|MM\0\*)", text):
            yield "exif", text[mark.end() : mark.start() + int.from_bytes(mark[1], "big")]
        for mark in re.finditer(rb"(?s)EXIF(....)(?=II\*\0|MM\0\*)", text):
            yield "exif", text[mark.end() :][: int.from_bytes(mark[1], "little")]
        for mark in re.finditer(rb"(?s)(....)eXIf(?=II\*\0|MM\0\*)", text):
            yield "exif", text[mark.end() :][: int.from_bytes(mark[1], "big")]
        for xmp in re.finditer(rb"(?s)<x:xmpmeta.*?</x:xmpmeta>", text):
            yield "exif", xmp[0]
        for mark in re.finditer(rb"(?s)(..)Photoshop 3\.0\0", text):
            yield "exif", text[mark.end() : mark.start() + int.from_bytes(mark[1], "big")]


def main():
    folder, corpus, bytes_max = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    options = Path(__file__).with_name("seeds").joinpath("options_url.txt").read_bytes().splitlines()

    def add(target: str, text: bytes):
        if 0 < len(text) <= bytes_max:
            place = corpus / target
            place.mkdir(parents=True, exist_ok=True)
            place.joinpath(hashlib.sha256(text).hexdigest()[:24]).write_bytes(text)

    count = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix in {".json", ".md"}:
            continue
        picture = path.read_bytes()
        for target, block in blocks(picture):
            add(target, block)
        if len(picture) > bytes_max:
            continue
        add("sniff_probe", picture)
        target = next((target for target, magic in FORMATS if re.match(magic, picture, re.S)), None)
        if target is None:
            continue
        add(target, picture)
        if target in MOVING:
            add("decode_animation", picture)
        if target == "decode_jpeg":
            add("jpeg_baseline", picture)
        if target == "decode_tiff":
            add("exif", picture)
        add("transform", options[count % len(options)] + b"\n" + picture)
        count += 1
    print(f"seeds: {count} pictures")


main()
