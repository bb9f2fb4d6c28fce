"""What a viewer shows of pictures with profiles of their own: LittleCMS (Pillow's ImageCms) converts them to sRGB.

Usage: kept_colors.py FILE... Prints a JSON list: for each file the profile's bytes in hexadecimal (or null) and the
mean colour of each cell of a grid of 4 by 4.
"""

import io
import json
import sys

import numpy as np
from PIL import Image, ImageCms

answers = []
for name in sys.argv[1:]:
    image = Image.open(name)
    icc = image.info.get("icc_profile")
    image = image.convert("RGB")
    if icc:
        image = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB"), renderingIntent=0
        )
    samples = np.asarray(image, dtype=float)
    rows, columns = samples.shape[0] // 4, samples.shape[1] // 4
    cells = samples[: rows * 4, : columns * 4].reshape(4, rows, 4, columns, 3).mean((1, 3)).reshape(16, 3)
    answers.append({"icc": icc.hex() if icc else None, "cells": cells.round(3).tolist()})
print(json.dumps(answers))
