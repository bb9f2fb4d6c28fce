"""Contact sheets: the same place of the source, of the result in encoded values and of the result in linear light, side by side."""

from PIL import Image, ImageDraw, ImageFont

# A place of a result, in its pixels, and how much it is enlarged, without smoothing.
PLACE, ZOOM = (112, 80), 4
ROWS, MARGIN, TITLE = 3, 8, 22


def sheets(rows, folder, name):
    """Writes sheets of ROWS rows: (title, source, encoded, linear, (left, top) in the result), pictures as 8-bit RGB. The files."""
    width, height = PLACE[0] * ZOOM, PLACE[1] * ZOOM
    files = []
    for first in range(0, len(rows), ROWS):
        part = rows[first : first + ROWS]
        sheet = Image.new("RGB", ((width + MARGIN) * 3 - MARGIN, (height + TITLE) * len(part)), (119, 119, 119))
        draw = ImageDraw.Draw(sheet)
        for index, (title, source, encoded, linear, (left, top)) in enumerate(part):
            down = index * (height + TITLE)
            draw.text((4, down + 3), f"{title}: source | encoded | linear", font=ImageFont.load_default(14), fill=(255, 255, 255))
            ratio = source.shape[1] / encoded.shape[1]
            box = (left * ratio, top * ratio, (left + PLACE[0]) * ratio, (top + PLACE[1]) * ratio)
            for column, picture in enumerate((source, encoded, linear)):
                image = Image.fromarray(picture)
                if column == 0:
                    image = image.resize((width, height), Image.Resampling.NEAREST, box=box)
                else:
                    image = image.crop((left, top, left + PLACE[0], top + PLACE[1])).resize((width, height), Image.Resampling.NEAREST)
                sheet.paste(image, (column * (width + MARGIN), down + TITLE))
        path = folder / f"{name}-{first // ROWS + 1}.png"
        sheet.save(path)
        files.append(path)
    return files
