"""Pictures that are hard to make smaller, by arithmetic: the same ones every time.

Each is 1024x768, 8-bit sRGB, with edges smoothed in encoded values, as text and lines are by most programs that draw them.
"""

import numpy
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1024, 768
# Shapes are drawn this much larger, and averaged.
FINE = 4
WORDS = "Hamburgefonstiv 0123456789 light in, light out"


def painted(ground, color, mask):
    ground, color = (numpy.broadcast_to(numpy.asarray(it, dtype=numpy.float64), (HEIGHT, WIDTH, 3)) for it in (ground, color))
    return ground + (color - ground) * mask[..., None]


def coverage(draw):
    """How much of each pixel is covered by what `draw` paints on a canvas that is FINE times as large."""
    image = Image.new("L", (WIDTH * FINE, HEIGHT * FINE))
    draw(ImageDraw.Draw(image))
    return numpy.asarray(image.reduce(FINE), dtype=numpy.float64) / 255


def line(canvas, points, width):
    canvas.line([(x * FINE, y * FINE) for x, y in points], fill=255, width=round(width * FINE), joint="curve")


def lines(dice):
    def draw(canvas):
        for index in range(48):
            angle = index / 48 * numpy.pi / 2
            line(canvas, [(8, 8), (8 + 1100 * numpy.cos(angle), 8 + 1100 * numpy.sin(angle))], 1 + index % 3 / 2)

    return painted((10, 12, 18), (240, 240, 235), coverage(draw))


def stars(dice):
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    sky = (y / HEIGHT)[..., None] * (10, 10, 18) + (4, 6, 16) + dice.normal(0, 1.5, (HEIGHT, WIDTH, 1))
    light = numpy.zeros((HEIGHT, WIDTH))
    for _ in range(1400):
        across, down = dice.uniform(0, WIDTH), dice.uniform(0, HEIGHT)
        # Many faint ones, few bright ones.
        brightness = 60 * dice.pareto(1.1) + 50
        spread = dice.uniform(0.5, 0.8)
        rows, columns = (slice(max(int(at) - 5, 0), int(at) + 6) for at in (down, across))
        light[rows, columns] += brightness * numpy.exp(-((x[rows, columns] - across) ** 2 + (y[rows, columns] - down) ** 2) / (2 * spread**2))
    return sky + light[..., None]


def text(canvas):
    down = 10
    for size in (20, 24, 28, 32, 40, 48, 64, 20, 24, 28, 32, 40, 48, 64):
        canvas.text((12 * FINE, down * FINE), WORDS, font=ImageFont.load_default(size * FINE), fill=255)
        canvas.text((12 * FINE + size * 24 * FINE, down * FINE), WORDS, font=ImageFont.load_default(size * FINE), fill=255)
        down += size * 1.36


def black_text(dice):
    return painted(255, 0, coverage(text))


def white_text(dice):
    return painted(0, 255, coverage(text))


def bars(canvas):
    across = 24.0
    for index in range(13):
        width = 2 + index * 2
        canvas.rectangle([across * FINE, 40 * FINE, (across + width) * FINE, 728 * FINE], fill=255)
        across += width + 41.3


def bright_bars(dice):
    return painted(60, 250, coverage(bars))


def dark_bars(dice):
    return painted(190, 10, coverage(bars))


def hair(dice):
    def draw(canvas):
        for _ in range(420):
            left, bend, phase = dice.uniform(-40, WIDTH + 40), dice.normal(0, 60), dice.uniform(0, 6.3)
            down = numpy.linspace(-10, HEIGHT + 10, 40)
            across = left + bend * (down / HEIGHT) ** 2 + 14 * numpy.sin(down / 130 + phase)
            line(canvas, list(zip(across, down)), dice.uniform(0.8, 1.8))

    strands = coverage(draw)
    left = (numpy.arange(WIDTH) < WIDTH // 2)[None, :, None]
    # Fair hair before a dark wall; dark hair before a light one.
    ground = numpy.where(left, (38, 32, 30), (214, 208, 200))
    color = numpy.where(left, (232, 200, 150), (46, 32, 26))
    return painted(ground, color, strands)


def foliage(dice):
    field = numpy.zeros((HEIGHT, WIDTH))
    for octave in range(8):
        cells = dice.normal(0, 1, (3 * 2**octave + 1, 4 * 2**octave + 1)).astype(numpy.float32)
        layer = Image.fromarray(cells).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        field += numpy.asarray(layer) * 0.78**octave
    leaves = 1 / (1 + numpy.exp(-(field - 0.1) * 6))
    shade = numpy.clip(0.6 + 0.25 * field, 0.2, 1.4)[..., None]
    return painted((210, 228, 250), (44, 78, 26) * shade, leaves)


def chequerboard(dice):
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    squares = numpy.where(x < WIDTH // 2, (x + y) % 2, (x // 2 + y // 2) % 2) * 255.0
    # Greys of as much light, and of the mean number.
    for left, grey in ((192, 188), (704, 128)):
        squares[320:448, left : left + 128] = grey
    return numpy.repeat(squares[..., None], 3, axis=2)


def stripes(dice):
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    # Wide, then as fine as a pixel of the result and finer, across and along.
    width = numpy.choose(x * 4 // WIDTH, (48, 12, 4, 2))
    along = numpy.where(y % (HEIGHT // 2) < HEIGHT // 4, x, y)
    second = (along // width % 2 == 1)[..., None]
    other = numpy.where((y < HEIGHT // 2)[..., None], (0, 0, 255), (0, 255, 0))
    return numpy.where(second, other, (255, 0, 0)).astype(numpy.float64)


# Name, how it is made, and the ground of strokes, where there is one.
PICTURES = [
    ("thin bright lines on dark", lines, (10, 12, 18)),
    ("starry sky", stars, None),
    ("black text on white", black_text, (255, 255, 255)),
    ("white text on black", white_text, (0, 0, 0)),
    ("bright bars on dark grey", bright_bars, (60, 60, 60)),
    ("dark bars on light grey", dark_bars, (190, 190, 190)),
    ("hair, fair and dark", hair, None),
    ("foliage before the sky", foliage, None),
    ("chequerboard, 1 and 2 px", chequerboard, None),
    ("red and blue, red and green stripes", stripes, None),
]


def made():
    """(name, array of 8-bit RGB, ground) of each."""
    for number, (name, make, ground) in enumerate(PICTURES):
        yield name, numpy.clip(numpy.rint(make(numpy.random.default_rng(number))), 0, 255).astype(numpy.uint8), ground
