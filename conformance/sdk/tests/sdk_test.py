"""Every method of the official SDK for Python for hosted images."""

import json
import os
import struct
import unittest
import urllib.request
import zlib

import cloudflare
from cloudflare import Cloudflare

URL = os.environ["CALOTYPE_URL"]
ACCOUNT = os.environ["CALOTYPE_ACCOUNT"]


def png(width, height):
    """A PNG of one colour (PNG specification, 5)."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x7f\x7f\x7f" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


PICTURE = png(40, 30)


class HostedImages(unittest.TestCase):
    def setUp(self):
        self.client = Cloudflare(api_token=os.environ["CALOTYPE_TOKEN"], base_url=f"{URL}/client/v4")
        # Cleanups run last in, first out: the images are forgotten before.
        self.addCleanup(self.client.close)
        self.images = self.client.images

    def create(self, **options):
        image = self.images.v1.create(account_id=ACCOUNT, file=("lamp.png", PICTURE), **options)
        self.addCleanup(self.forget, image.id)
        return image

    def forget(self, image_id):
        try:
            self.images.v1.delete(image_id, account_id=ACCOUNT)
        except cloudflare.NotFoundError:
            pass

    def test_an_image_goes_round(self):
        image = self.create(metadata={"key": "v", "n": 5, "o": {"p": True}}, creator="user-318", require_signed_urls=False)
        self.assertEqual(image.filename, "lamp.png")
        # Types are lost where an object is split into the parts of a form.
        self.assertEqual(image.meta, {"key": "v", "n": "5", "o": {"p": "true"}})
        self.assertEqual(image.creator, "user-318")
        self.assertEqual(self.images.v1.get(image.id, account_id=ACCOUNT), image)
        blob = self.images.v1.blobs.get(image.id, account_id=ACCOUNT)
        self.assertEqual(blob.read(), PICTURE)
        edited = self.images.v1.edit(image.id, account_id=ACCOUNT, metadata={"n": 5})
        self.assertEqual(edited.meta, {"n": 5})
        self.images.v1.delete(image.id, account_id=ACCOUNT)
        with self.assertRaises(cloudflare.NotFoundError):
            self.images.v1.get(image.id, account_id=ACCOUNT)

    def test_ids_hold_anything_and_metadata_may_be_text(self):
        image = self.create(id="this/is a%", metadata=json.dumps({"n": 5}))
        self.assertEqual((image.id, image.meta), ("this/is a%", {"n": 5}))
        self.assertEqual(self.images.v1.get("this/is a%", account_id=ACCOUNT).id, "this/is a%")
        with urllib.request.urlopen(image.variants[0]) as shown:
            self.assertEqual(shown.status, 200)
        with self.assertRaises(cloudflare.ConflictError):
            self.create(id="this/is a%")

    def test_lists(self):
        first = self.create(metadata=json.dumps({"status": "active"}), creator="py")
        second = self.create(metadata=json.dumps({"status": "old"}), creator="py")
        page = self.images.v1.list(account_id=ACCOUNT, creator="py", page=1, per_page=10)
        self.assertEqual([image["id"] for image in page.result.images], [second.id, first.id])
        found = self.images.v2.list(account_id=ACCOUNT, per_page=1, sort_order="asc", creator="py")
        self.assertEqual([image.id for image in found.images], [first.id])
        rest = self.images.v2.list(
            account_id=ACCOUNT, per_page=1, sort_order="asc", creator="py", continuation_token=found.continuation_token
        )
        self.assertEqual([image.id for image in rest.images], [second.id])
        self.assertIsNone(rest.continuation_token)
        active = self.images.v2.list(account_id=ACCOUNT, creator="py", extra_query={"meta.status[eq]": "active"})
        self.assertEqual([image.id for image in active.images], [first.id])

    def test_direct_upload(self):
        promise = self.images.v2.direct_uploads.create(account_id=ACCOUNT)
        self.addCleanup(self.forget, promise.id)
        self.assertTrue(promise.upload_url.endswith(promise.id))
        self.assertTrue(self.images.v1.get(promise.id, account_id=ACCOUNT).draft)

    def test_stats_keys_and_variants(self):
        self.assertGreaterEqual(self.images.v1.stats.get(account_id=ACCOUNT).count.current, 0)
        keys = self.images.v1.keys.list(account_id=ACCOUNT).keys
        self.assertEqual([key.name for key in keys], ["default"])
        keys = self.images.v1.keys.update("autumn", account_id=ACCOUNT).keys
        self.assertEqual([key.name for key in keys], ["default", "autumn"])
        keys = self.images.v1.keys.delete("autumn", account_id=ACCOUNT).keys
        self.assertEqual([key.name for key in keys], ["default"])
        options = {"fit": "cover", "metadata": "none", "width": 160, "height": 120}
        variants = self.images.v1.variants
        made = variants.create(account_id=ACCOUNT, id="py", options=options, never_require_signed_urls=True).variant
        self.assertEqual((made.id, made.options.width, made.never_require_signed_urls), ("py", 160, True))
        self.assertEqual(variants.get("py", account_id=ACCOUNT).variant.id, "py")
        self.assertEqual(variants.edit("py", account_id=ACCOUNT, options={**options, "width": 200}).variant.options.width, 200)
        self.assertIsNotNone(variants.list(account_id=ACCOUNT).variants)
        variants.delete("py", account_id=ACCOUNT)
        with self.assertRaises(cloudflare.NotFoundError):
            variants.get("py", account_id=ACCOUNT)


if __name__ == "__main__":
    unittest.main()
