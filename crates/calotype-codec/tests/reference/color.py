"""Files in many colour spaces with the sRGB pixels that LittleCMS (Pillow's ImageCms) makes of them.

Usage: color.py FOLDER [CORPUS_FOLDER...]. Writes the files and `cases.json`: a list of file, width, height and the name
of the file that holds the expected RGB samples. Profiles are built here byte by byte (ICC.1:2022, and ICC.1:2001 for
version 2).
"""

import io
import json
import struct
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
PRIMARIES = {
    "srgb": [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)],
    "p3": [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)],
    "adobe": [(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)],
    "rec2020": [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)],
    "prophoto": [(0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)],
}
D65_XY, D50_XY = (0.3127, 0.3290), (0.3457, 0.3585)


def xyz(xy):
    return np.array([xy[0] / xy[1], 1, (1 - xy[0] - xy[1]) / xy[1]])


def matrix(primaries, white):
    """Linear RGB to XYZ as seen under D50."""
    columns = np.array([xyz(p) for p in primaries]).T
    to_xyz = columns * np.linalg.solve(columns, xyz(white))
    cone = np.diag((BRADFORD @ D50) / (BRADFORD @ xyz(white)))
    return np.linalg.inv(BRADFORD) @ cone @ BRADFORD @ to_xyz


def lab(xyz_):
    t = xyz_ / D50
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def s15(value):
    return struct.pack(">i", int(round(value * 65536)))


def xyz_tag(value):
    return b"XYZ \0\0\0\0" + b"".join(s15(v) for v in value)


def text_tag(text, version):
    if version == 4:
        wide = text.encode("utf-16-be")
        return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(wide), 28) + wide
    raw = text.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(raw)) + raw + bytes(78)


def curve(values):
    """`curv`: a gamma, or a table."""
    if np.isscalar(values):
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, int(round(values * 256)))
    table = np.clip(np.round(np.asarray(values) * 65535), 0, 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(table)) + table.tobytes()


SRGB_CURVE = b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + b"".join(
    s15(v) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
)


def profile(version, kind, space, pcs, tags):
    tags = {
        b"desc": text_tag(f"test {space.decode().strip()}", version),
        b"cprt": b"text\0\0\0\0none\0" if version == 2 else text_tag("none", 4),
        b"wtpt": xyz_tag(D50),
        **tags,
    }
    at = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, at + len(data), len(content))
        data += content
    head = struct.pack(">I4sI4s4s4s", at + len(data), b"\0\0\0\0", version << 24, kind, space, pcs)
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + b"".join(s15(v) for v in D50)
    return head + bytes(128 - len(head)) + table + data


def matrix_profile(version, primaries, white, trc):
    columns = matrix(primaries, white).T
    tags = {name: xyz_tag(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns)}
    return profile(version, b"mntr", b"RGB ", b"XYZ ", {**tags, b"rTRC": trc, b"gTRC": trc, b"bTRC": trc})


def lattice(channels, points):
    """All combinations, the last channel fastest, as in a CLUT."""
    return np.stack(np.meshgrid(*[np.linspace(0, 1, points)] * channels, indexing="ij"), -1).reshape(-1, channels)


def lut(kind, device_to_lab, channels, points):
    """`mft1`, `mft2` or `mAB ` from the device to Lab."""
    values = device_to_lab(lattice(channels, points))
    if kind == b"mft1":
        codes = np.stack([values[:, 0] * 2.55, values[:, 1] + 128, values[:, 2] + 128], -1)
        clut = np.clip(np.round(codes), 0, 255).astype(np.uint8).tobytes()
        ramp = bytes(range(256))
        identity = b"".join(s15(v) for v in np.eye(3).flatten())
        return b"mft1\0\0\0\0" + bytes([channels, 3, points, 0]) + identity + ramp * channels + clut + ramp * 3
    if kind == b"mft2":
        codes = np.stack([values[:, 0] * 652.8, (values[:, 1] + 128) * 256, (values[:, 2] + 128) * 256], -1)
        clut = np.clip(np.round(codes), 0, 65535).astype(">u2").tobytes()
        ramp = struct.pack(">HH", 0, 65535)
        identity = b"".join(s15(v) for v in np.eye(3).flatten())
        head = b"mft2\0\0\0\0" + bytes([channels, 3, points, 0]) + identity + struct.pack(">HH", 2, 2)
        return head + ramp * channels + clut + ramp * 3
    codes = np.stack([values[:, 0] * 655.35, (values[:, 1] + 128) * 257, (values[:, 2] + 128) * 257], -1)
    clut = bytes([points] * channels + [0] * (16 - channels)) + b"\2\0\0\0"
    clut += np.clip(np.round(codes), 0, 65535).astype(">u2").tobytes()
    clut += bytes(-len(clut) % 4)
    straight = b"curv\0\0\0\0" + struct.pack(">I", 0)
    b_at = 32
    m_curves_at, clut_at = 0, b_at + 3 * len(straight)
    a_at = clut_at + len(clut)
    head = b"mAB \0\0\0\0" + bytes([channels, 3, 0, 0]) + struct.pack(">IIIII", b_at, 0, m_curves_at, clut_at, a_at)
    return head + straight * 3 + clut + straight * channels


def srgb_curve(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def rgb_to_lab(rgb):
    """A device whose primaries are those of Adobe RGB, with an exponent of 2.2."""
    return lab((rgb**2.2) @ matrix(PRIMARIES["adobe"], D65_XY).T)


def inks_to_lab(cmyk):
    """A press in four lines: inks take light away, not all of it, and paper is white."""
    light = np.stack(
        [
            (1 - 0.95 * cmyk[:, 0]) * (1 - 0.1 * cmyk[:, 1]) * (1 - 0.02 * cmyk[:, 2]),
            (1 - 0.35 * cmyk[:, 0]) * (1 - 0.9 * cmyk[:, 1]) * (1 - 0.06 * cmyk[:, 2]),
            (1 - 0.15 * cmyk[:, 0]) * (1 - 0.45 * cmyk[:, 1]) * (1 - 0.9 * cmyk[:, 2]),
        ],
        -1,
    ) * (1 - 0.97 * cmyk[:, 3:])
    return lab(light @ matrix(PRIMARIES["srgb"], D65_XY).T)


def darker(to_lab):
    """Another rendering, to see that the perceptual one is taken."""
    return lambda device: to_lab(device) * 0.7


def profiles():
    rgb = {
        "srgb": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "v2-adobe": matrix_profile(2, PRIMARIES["adobe"], D65_XY, curve(563 / 256)),
        "v2-p3-table": matrix_profile(2, PRIMARIES["p3"], D65_XY, curve(srgb_curve(np.linspace(0, 1, 1024)))),
        "v4-p3": matrix_profile(4, PRIMARIES["p3"], D65_XY, SRGB_CURVE),
        "v4-rec2020": matrix_profile(4, PRIMARIES["rec2020"], D65_XY, SRGB_CURVE),
        "v2-rec2020-gamma": matrix_profile(2, PRIMARIES["rec2020"], D65_XY, curve(2.4)),
        "v2-prophoto": matrix_profile(2, PRIMARIES["prophoto"], D50_XY, curve(1.8)),
        "v4-linear": matrix_profile(4, PRIMARIES["srgb"], D65_XY, curve(1.0)),
        "v2-mft1": profile(2, b"scnr", b"RGB ", b"Lab ", {b"A2B0": lut(b"mft1", rgb_to_lab, 3, 33)}),
        "v2-mft2": profile(2, b"scnr", b"RGB ", b"Lab ", {b"A2B0": lut(b"mft2", rgb_to_lab, 3, 17)}),
        "v4-mab": profile(4, b"scnr", b"RGB ", b"Lab ", {b"A2B0": lut(b"mAB ", rgb_to_lab, 3, 17)}),
    }
    gray = {
        "gray-gamma-2.2": profile(2, b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve(2.2)}),
        "gray-gamma-1.8": profile(2, b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve(1.8)}),
        "gray-srgb": profile(4, b"mntr", b"GRAY", b"XYZ ", {b"kTRC": SRGB_CURVE}),
        "gray-dot-gain": profile(2, b"prtr", b"GRAY", b"XYZ ", {b"kTRC": curve(np.linspace(0, 1, 256) ** 1.6)}),
    }
    cmyk = {
        "cmyk-mft1": profile(2, b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut(b"mft1", inks_to_lab, 4, 9)}),
        "cmyk-mft2": profile(
            2,
            b"prtr",
            b"CMYK",
            b"Lab ",
            {b"A2B0": lut(b"mft2", inks_to_lab, 4, 9), b"A2B1": lut(b"mft2", darker(inks_to_lab), 4, 9)},
        ),
        "cmyk-mab": profile(4, b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut(b"mAB ", inks_to_lab, 4, 9)}),
    }
    return rgb, gray, cmyk


def converted(image):
    """What LittleCMS makes of it by the perceptual intent, without shortcuts."""
    icc = image.info.get("icc_profile")
    if not icc:
        return image.convert("RGB")
    return ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.PERCEPTUAL,
        outputMode="RGB",
        flags=ImageCms.Flags.NOOPTIMIZE,
    )


def main():
    folder = Path(sys.argv[1])
    rgb, gray, cmyk = profiles()
    files = []

    def save(name, image, **options):
        image.save(folder / name, **options)
        files.append(folder / name)

    colors = np.round(lattice(3, 18) * 255).astype(np.uint8).reshape(81, 72, 3)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None], 2, 0)
    # Blocks of 8 by 8 of one colour, which JPEG keeps.
    inks = np.round(lattice(4, 6) * 255).astype(np.uint8).reshape(36, 36, 4).repeat(8, 0).repeat(8, 1)
    for name, icc in rgb.items():
        save(f"{name}.png", Image.fromarray(colors), icc_profile=icc)
        save(f"{name}-grey.png", Image.fromarray(greys).convert("RGB"), icc_profile=icc)
    for name, icc in gray.items():
        save(f"{name}.png", Image.fromarray(greys), icc_profile=icc)
    for name, icc in cmyk.items():
        save(f"{name}.jpg", Image.frombytes("CMYK", inks.shape[1::-1], inks.tobytes()), icc_profile=icc, quality=100)
    # Without the Adobe segment inks are stored the same way.
    marked = (folder / "cmyk-mft2.jpg").read_bytes()
    at = marked.index(b"\xff\xee")
    (folder / "cmyk-unmarked.jpg").write_bytes(marked[:at] + marked[at + 2 + int.from_bytes(marked[at + 2 : at + 4]) :])
    files.append(folder / "cmyk-unmarked.jpg")
    # One picture in sRGB, written in other spaces: all must come out as it was.
    y, x = np.mgrid[0:1:96j, 0:1:128j]
    waves = [0.5 + 0.4 * np.sin(6 * (a * x + b * y) + c) for a, b, c in ((1, 2, 0), (2, -1, 2), (-1, 1, 4))]
    original = Image.fromarray(np.round(np.stack(waves, -1) * 255).astype(np.uint8))
    alike = {}
    for name in ("srgb", "v2-adobe", "v4-p3", "v4-rec2020", "v2-prophoto"):
        space = ImageCms.ImageCmsProfile(io.BytesIO(rgb[name]))
        there = ImageCms.profileToProfile(original, ImageCms.createProfile("sRGB"), space, flags=ImageCms.Flags.NOOPTIMIZE)
        save(f"alike-{name}.png", there, icc_profile=rgb[name])
        alike[files[-1]] = original
    for source in sys.argv[2:]:
        files += sorted(p for p in Path(source).rglob("*") if p.suffix in (".jpg", ".png", ".webp", ".avif"))

    cases = []
    for number, path in enumerate(files):
        image = Image.open(path)
        if image.mode not in ("RGB", "L", "CMYK"):
            continue
        expected = f"{number}.expected"
        (folder / expected).write_bytes(alike.get(path, converted(image)).tobytes())
        cases.append({"file": str(path), "width": image.width, "height": image.height, "expected": expected})
    (folder / "cases.json").write_text(json.dumps(cases))


main()
