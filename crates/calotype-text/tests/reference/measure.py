"""What Pillow and FreeType make of texts: `measure.py FONT [[text, size], ...]` prints, for each, the advance, the box of the ink from the start of the baseline, the
sum of coverage in whole pixels, and whether the text was shaped (ligatures, kerning, joined letters) or only set glyph by glyph."""

import json
import sys

from PIL import Image, ImageDraw, ImageFont, features

font_file, texts = sys.argv[1], json.loads(sys.argv[2])
shapes = features.check("raqm") and features.check("fribidi")
engine = ImageFont.Layout.RAQM if shapes else ImageFont.Layout.BASIC
measured = []
for text, size in texts:
    # FreeType fits outlines to the grid of pixels. Small texts are drawn larger and averaged, so that nothing of that is left.
    times = 16 if size <= 200 else 1
    font = ImageFont.truetype(font_file, size * times, layout_engine=engine)
    room = 2 * size
    width = room * 2 + int(font.getlength(text)) // times + 1
    picture = Image.new("L", (width * times, 2 * room * times), 0)
    # The start of the baseline.
    ImageDraw.Draw(picture).text((room * times, room * times), text, fill=255, font=font, anchor="ls")
    picture = picture.reduce(times)
    left, top, right, bottom = picture.point(lambda value: 255 if value > 25 else 0).getbbox()
    measured.append(
        {
            "advance": font.getlength(text) / times,
            "ink": [left - room, top - room, right - room, bottom - room],
            "coverage": sum(value * count for value, count in enumerate(picture.histogram())) / 255,
            "shapes": bool(shapes),
        }
    )
print(json.dumps(measured))
