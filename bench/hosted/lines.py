"""Prints COUNT lines of JSON for `calotype store import`, an image each, and writes the one picture that they share: lines.py COUNT FOLDER.

Of a million images: a creator has 1,000, `rare` 10 of each value (1 in 100,000), `half` 500,000, `shelf` 1,000.
"""

import json
import struct
import sys
import uuid
import random
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

START = datetime(2020, 1, 1, tzinfo=timezone.utc)


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((x * 255 // width, y * 255 // height, 128)[c] for x in range(width) for c in range(3)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def main():
    count, folder = int(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shared.png").write_bytes(png(64, 48))
    numbers = random.Random(1)
    for n in range(count):
        uid = uuid.UUID(int=(numbers.getrandbits(120) << 8))
        line = {
            "path": "shared.png",
            "id": str(uid),
            "filename": f"IMG_{n:07}.jpg",
            "uploaded": (START + timedelta(seconds=n)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "creator": f"user-{n % 1000}",
            "metadata": {
                "rare": f"r{n * 7919 % 100_000}",
                "half": "a" if n % 2 == 0 else "b",
                "other": "b" if n % 2 == 0 else "a",
                "shelf": f"s{n * 7919 % 1000}",
                "price": n * 7919 % 1000,
            },
        }
        print(json.dumps(line, separators=(",", ":")))


main()
