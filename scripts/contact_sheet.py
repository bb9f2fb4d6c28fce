"""Puts the answers of a server on one labelled sheet. Started by contact-sheet.sh, which serves `picture`, `knot.png` and `poster.png`.

Every cell is shown pixel for pixel, never resized here, on a chequerboard where it is transparent. Its label is the options and what came back.
"""

import argparse
import io
import os
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from PIL import Image, ImageDraw, ImageFont

SERVER = os.environ.get("CALOTYPE_URL", "http://127.0.0.1:8080").rstrip("/")
KNOT = urllib.parse.quote(f"{SERVER}/knot.png", safe="")

COLUMNS, CELL_W, CELL_H, LABEL_H, GAP, HEADING_H = 8, 160, 120, 42, 8, 30
PAPER, INK, FAINT = (250, 250, 248), (30, 30, 30), (120, 120, 120)
SMALL = "w=150,h=100"
SMALL_SOURCE = "trim.left=0.4,trim.top=0.4,trim.width=100,trim.height=75"
CLEAR = "w=160,h=104,fit=pad,background=transparent,f=png"
BASE = "w=160,h=120,fit=cover"


def on(source, *options):
    """Cells that show each of the option strings on one source."""
    return [(source, each) for each in options]


def drawn(base, *members, source="picture"):
    """A cell with the knot as an overlay; `members` are its settings."""
    entry = "".join(f",draw.0.{member}" for member in members)
    return (source, f"{base},draw.0.url={KNOT}{entry}")


def sections():
    """What is on the sheet: headings with (source, options) pairs."""
    fits = ["scale-down", "contain", "cover", "crop", "aspect-crop", "pad", "squeeze", "scale-up"]
    points = ["left", "right", "center", "0.25x0.5", "auto", "entropy", "face"]
    composites = ["over", "in", "atop", "out", "xor", "lighter"]
    return [
        ("fit: a box of 150x100 in a large picture", on("picture", *[f"{SMALL},fit={fit}" for fit in fits])),
        ("fit: a box of 150x100 around a source of 100x75", on("picture", *[f"{SMALL_SOURCE},{SMALL},fit={fit}" for fit in fits])),
        ("fit: a box of 150x50 on a source of 100x75 (wider and lower)",
         on("picture", *[f"{SMALL_SOURCE},w=150,h=50,fit={fit}" for fit in fits])),
        ("fit with one side", on("picture", *[f"w=150,fit={fit}" for fit in ("contain", "cover", "crop", "pad")],
                                 *[f"h=100,fit={fit}" for fit in ("scale-down", "squeeze", "aspect-crop", "scale-up")])),
        ("gravity, cut to 64x120", on("picture", *[f"w=64,h=120,fit=cover,g={point}" for point in points],
                                      "w=64,h=120,fit=cover,g.x=0.25,g.y=0.5,g.mode=box-center")),
        ("gravity, cut to 160x48", on("picture", *[f"w=160,h=48,fit=cover,g={point}" for point in
                                                   ("top", "bottom", "center", "0.5x0.25", "auto", "entropy")])),
        ("trim", on("picture", "w=160,h=120", "trim=0;0.5;0.5;0,w=160,h=120", "trim=0.5;0;0;0.5,w=160,h=120", "trim=300,w=160,h=120",
                    "trim.right=200,trim.bottom=100,trim.width=600,trim.height=450,w=160,h=120")
                 + on("poster.png", "w=160,h=120", "trim=border,w=160,h=120", "trim.border.keep=60,w=160,h=120",
                      "trim.border.tolerance=60,w=160,h=120", "trim.border.color=red,w=160,h=120")
                 + on("knot.png", "w=160,h=120", "trim=border,w=160,h=120")),
        ("flip and rotate", on("picture", *[f"flip={flip},w=160,h=120" for flip in ("h", "v", "hv")],
                               *[f"rotate={turn},w=160,h=120" for turn in (90, 180, 270)],
                               "flip=h,rotate=90,w=160,h=120", "rotate=90,w=160,h=120,fit=cover,g=top")),
        ("colour", on("picture", *[f"{BASE},{option}" for option in (
            "brightness=0.5", "brightness=1.5", "contrast=0.5", "contrast=1.6", "gamma=0.5", "gamma=2", "saturation=0", "saturation=2")])),
        ("sharpen and blur", on("picture", BASE, *[f"{BASE},{option}" for option in (
            "sharpen=1", "sharpen=5", "sharpen=10", "blur=1", "blur=5", "blur=30", "blur=250")])),
        ("blur and sharpen on transparency", on("knot.png", *[f"w=120,h=120,{option}" for option in (
            "sharpen=1", "sharpen=10", "blur=2", "blur=20", "brightness=2", "saturation=0", "brightness=0.5,background=white")])),
        ("background", on("knot.png", *[f"w=120,h=120,{option}" for option in (
            "f=png", "background=white", "background=%23c0392b", "background=rgb(0 90 200 %2F 50%25)", "f=jpeg", "f=webp", "f=avif", "f=gif")])),
        ("pad", on("picture", *[f"w=160,h=120,fit=pad,trim=0;0.4;0;0.4,{option}" for option in (
            "f=jpeg", "background=%23225577", "background=transparent", "background=%2300aa0080", "background=orange,blur=10", "background=orange,brightness=0.5")])
                + on("knot.png", "w=160,h=120,fit=pad", "w=160,h=120,fit=pad,background=gold")),
        ("border", on("picture", *[f"w=128,h=88,fit=cover,{option}" for option in (
            "border=8", "border.width=12,border.color=white", "border.top=20,border.left=10,border.color=crimson", "border.width=10,border.bottom=30,border.color=ivory",
            "border.width=10,border.color=rgba(0 0 0 %2F 40%25)")]) + on("knot.png", "w=104,h=104,border.width=8,border.color=teal", "w=70,dpr=1.4,border=8")),
        ("draw: place and size", [drawn(BASE, "width=48"), drawn(BASE, "width=48", "left=0", "top=0"), drawn(BASE, "width=48", "right=5", "bottom=5"),
                                  drawn(BASE, "width=48", "left=-20", "top=-20"), drawn(BASE, "width=0.5", "height=0.5"),
                                  drawn(BASE, "width=80", "height=50", "fit=squeeze"), drawn(BASE, "width=48", "height=48", "fit=pad", "background=navy"),
                                  drawn(BASE, "width=1500")]),
        ("draw: effects", [drawn(BASE, "width=80", "opacity=0.4"), drawn(BASE, "width=80", "rotate=90"), drawn(BASE, "width=80", "blur=6"),
                           drawn(BASE, "width=80", "flip=v"), drawn(BASE, "width=80", "saturation=0"), drawn(BASE, "width=72", "border.width=4", "border.color=white"),
                           drawn(BASE, "width=45", "dpr=2"), drawn(BASE + ",draw.1.url=" + KNOT + ",draw.1.width=40,draw.1.left=0", "width=80")]),
        ("draw: repeat", [drawn(BASE, "width=32", "repeat=true"), drawn(BASE, "width=32", "repeat=x"), drawn(BASE, "width=32", "repeat=y"),
                          drawn(BASE, "width=32", "repeat=true", "left=20", "top=20"), drawn(BASE, "width=32", "repeat=x", "bottom=0"),
                          drawn(BASE, "width=32", "repeat=y", "right=0", "opacity=0.5")]),
        ("draw: composite on an opaque picture", [drawn(BASE, "width=104", f"composite={mode}") for mode in composites]),
        ("draw: composite on the knot, overlay to the right", [
            drawn(CLEAR, "width=88", "left=56", "brightness=1.6", f"composite={mode}", source="knot.png")
            for mode in composites]),
        ("draw: composite at half opacity on the knot", [
            drawn(CLEAR, "width=88", "left=56", "opacity=0.5", f"composite={mode}", source="knot.png")
            for mode in composites]),
        ("dpr", on("picture", "w=72,dpr=1", "w=72,dpr=2", "w=72,dpr=3", "w=72,dpr=0.5", "w=72,h=56,fit=pad,dpr=2,background=gold", "w=72,dpr=2,trim=200")),
        ("quality", on("picture", *[f"{BASE},q={quality}" for quality in ("high", "medium-high", "medium-low", "low", "1", "100")],
                       f"{BASE},f=webp,q=1", f"{BASE},f=avif,q=1")),
        ("format", on("picture", *[f"{BASE},f={kind}" for kind in ("jpeg", "baseline-jpeg", "webp", "avif", "png", "gif", "webp,q=100", "png,q=50")])),
        ("upscale, a source of 100x75 to 160x120", on("picture", *[f"{SMALL_SOURCE},w=160,fit=contain,{option}" for option in (
            "upscale=interpolate", "upscale=generate", "sharpen=1")])),
        ("compression, more than one step at once", on("picture", f"{BASE},compression=fast", "w=120,h=88,fit=cover,rotate=90,flip=h,saturation=0.3,contrast=1.3,sharpen=2,border=4")
            + [drawn("w=128,h=88,fit=cover,blur=6,border.width=6,border.color=white", "width=70", "opacity=0.8")]),
    ]


def fetch(cell):
    """The picture of one cell and what it is, or the error text."""
    source, options = cell
    url = f"{SERVER}/cdn-cgi/image/{options.replace(' ', '%20')}/{source}"
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:
            body, kind = answer.read(), answer.headers["content-type"]
            warning = answer.headers.get("warning") or ""
    except urllib.error.HTTPError as error:
        return None, f"{error.code}: {error.read().decode(errors='replace').strip()}"
    image = Image.open(io.BytesIO(body))
    image.load()
    note = f"{image.width}x{image.height} {kind.removeprefix('image/')} {len(body) / 1000:.1f} kB"
    if warning:
        note += " (" + warning.replace("cf-images", "").replace("299", "").strip(' "') + ")"
    return image.convert("RGBA"), note


def chequerboard(width, height, step=8):
    board = Image.new("RGB", (width, height), (255, 255, 255))
    pen = ImageDraw.Draw(board)
    for y in range(0, height, step):
        for x in range(step * (y // step % 2), width, 2 * step):
            pen.rectangle((x, y, x + step - 1, y + step - 1), fill=(216, 216, 216))
    return board


def wrapped(text, font, width):
    lines, line = [], ""
    for letter in text:
        if font.getlength(line + letter) > width:
            lines.append(line)
            line = ""
        line += letter
    return [*lines, line]


def shown(options):
    """The options as a reader would name them: without the base and without escapes."""
    text = urllib.parse.unquote(options.replace(KNOT, "knot"))
    for base in (BASE, CLEAR, SMALL_SOURCE):
        text = text.replace(base + ",", "")
    return text.replace("draw.0.url=knot,", "").replace("draw.0.", "draw.")


def sheet(title, chosen):
    fonts = {size: ImageFont.load_default(size) for size in (10, 15, 20)}
    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip([cell for _, cells in chosen for cell in cells], pool.map(fetch, [cell for _, cells in chosen for cell in cells])))
    rows = sum(-(-len(cells) // COLUMNS) for _, cells in chosen)
    width = COLUMNS * (CELL_W + GAP) + GAP
    height = 44 + len(chosen) * HEADING_H + rows * (CELL_H + LABEL_H + GAP)
    page = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((GAP, 12), f"Calotype: every option, on {title}", font=fonts[20], fill=INK)
    y, failed = 44, []
    for heading, cells in chosen:
        pen.text((GAP, y + 6), heading, font=fonts[15], fill=INK)
        y += HEADING_H
        for start in range(0, len(cells), COLUMNS):
            for column, cell in enumerate(cells[start:start + COLUMNS]):
                x = GAP + column * (CELL_W + GAP)
                image, note = answers[cell]
                if image is None:
                    failed.append(f"{cell[1]} on {cell[0]}: {note}")
                    pen.rectangle((x, y, x + CELL_W - 1, y + CELL_H - 1), outline=(200, 0, 0))
                else:
                    if image.width > CELL_W or image.height > CELL_H:
                        # Only answers that ought to be too large for a cell come here (scale-up of a large picture); their middle is shown.
                        left, top = max(0, (image.width - CELL_W) // 2), max(0, (image.height - CELL_H) // 2)
                        image = image.crop((left, top, left + min(CELL_W, image.width), top + min(CELL_H, image.height)))
                    ground = chequerboard(*image.size)
                    ground.paste(image, (0, 0), image)
                    page.paste(ground, (x + (CELL_W - image.width) // 2, y + (CELL_H - image.height) // 2))
                lines = wrapped(shown(cell[1]), fonts[10], CELL_W)[:2] + wrapped(note, fonts[10], CELL_W)[:1]
                for number, line in enumerate(lines):
                    pen.text((x, y + CELL_H + 2 + 12 * number), line, font=fonts[10], fill=FAINT if number == len(lines) - 1 else INK)
            y += CELL_H + LABEL_H + GAP
    return page, failed


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--title", default="picture")
    arguments.add_argument("-o", "--output", required=True)
    given = arguments.parse_args()
    page, failed = sheet(given.title, sections())
    page.save(given.output)
    if failed:
        raise SystemExit("cells without a picture:\n  " + "\n  ".join(failed))


main()
