"""Plays an animation as Pillow does: its frames as RGBA into a file, one after the other, and what it says of itself as JSON.

play.py ANIMATION FRAMES
"""

import json
import sys

from PIL import Image, ImageSequence

animation = Image.open(sys.argv[1])
durations = []
with open(sys.argv[2], "wb") as frames:
    for frame in ImageSequence.Iterator(animation):
        frames.write(frame.convert("RGBA").tobytes())
        # Known once the frame is decoded; Pillow leaves out a duration of 0.
        durations.append(frame.info.get("duration", 0))
print(
    json.dumps(
        {
            "format": animation.format,
            "size": animation.size,
            "durations": durations,
            "loop": animation.info.get("loop"),
            "icc": bool(animation.info.get("icc_profile")),
            "exif": bool(animation.info.get("exif")),
        }
    )
)
