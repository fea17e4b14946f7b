"""Small pictures of every kind that src/media decodes, and the levels that PIL gives them.

make/pictures.py FOLDER: the pictures, and levels.json with each one's size and the 64-bit FNV-1a hash of its RGB bytes, after
ImageOps.exif_transpose() and convert("RGB"). Needs Pillow 13 and numpy.
"""
import io
import json
import pathlib
import sys

import numpy as np
from PIL import Image, ImageOps

out = pathlib.Path(sys.argv[1])
out.mkdir(exist_ok=True)
rng = np.random.default_rng(7)


def drawn(width, height):
    y, x = np.mgrid[0:height, 0:width]
    levels = np.stack([x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x * y) % 256], -1)
    levels = levels + rng.integers(-20, 21, levels.shape)
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


rgb = drawn(29, 21)
grey = rgb.convert("L")
alpha = rgb.copy()
alpha.putalpha(Image.fromarray(rng.integers(0, 256, (21, 29), dtype=np.uint8)))
deep = Image.fromarray((np.arange(29 * 21, dtype=np.uint32).reshape(21, 29) * 3 % 700).astype(np.uint16))
palette = rgb.quantize(19)

rgb.save(out / "rgb.png")
alpha.save(out / "rgba.png")
grey.save(out / "grey.png")
alpha.convert("LA").save(out / "grey_alpha.png")
deep.save(out / "grey16.png")
palette.save(out / "palette.png")
palette.save(out / "palette_transparent.png", transparency=3)
rgb.quantize(4).save(out / "palette2bit.png", bits=2)
rgb.convert("1").save(out / "bits.png")
rgb.quantize(2).save(out / "palette1bit.png", bits=1)
turned = Image.Exif()
for way in range(1, 9):
    turned[0x0112] = way
    rgb.save(out / f"turned{way}.png" if way > 6 else out / f"turned{way}.jpg", exif=turned, quality=90)
turned[0x0112] = 6
rgb.save(out / "turned.webp", exif=turned, lossless=True)
rgb.save(out / "xmp.jpg", xmp=b'<x:xmpmeta tiff:Orientation="3"/>')
rgb.save(out / "420.jpg", quality=80, subsampling="4:2:0")
rgb.save(out / "422.jpg", quality=80, subsampling="4:2:2")
rgb.save(out / "444.jpg", quality=80, subsampling="4:4:4")
rgb.save(out / "progressive.jpg", quality=60, progressive=True)
grey.save(out / "grey.jpg")
rgb.convert("CMYK").save(out / "cmyk.jpg")
rgb.save(out / "lossy.webp", quality=70)
alpha.save(out / "alpha.webp", quality=70)
rgb.save(out / "lossless.webp", lossless=True)
rgb.save(out / "frames.webp", save_all=True, append_images=[drawn(29, 21)], lossless=True)
palette.save(out / "palette.gif")
palette.save(out / "interlaced.gif", interlace=1)
palette.save(out / "transparent.gif", transparency=2)
grey.save(out / "grey.gif")
palette.save(out / "frames.gif", save_all=True, append_images=[drawn(29, 21).quantize(7)])
rgb.save(out / "rgb.bmp")
alpha.save(out / "rgba.bmp")
grey.save(out / "grey.bmp")
palette.save(out / "palette.bmp")
rgb.convert("1").save(out / "bits.bmp")
Image.new("RGB", (1, 1), (200, 3, 77)).save(out / "one.png")


def bmp(width, height, bits, pixels, compression=0, masks=b"", palette_bytes=b""):
    """A file from its parts; height below 0 = the first row on top."""
    start = 14 + 40 + len(masks) + len(palette_bytes)
    header = b"BM" + (start + len(pixels)).to_bytes(4, "little") + bytes(4) + start.to_bytes(4, "little")
    header += (40).to_bytes(4, "little") + width.to_bytes(4, "little") + height.to_bytes(4, "little", signed=True)
    header += (1).to_bytes(2, "little") + bits.to_bytes(2, "little") + compression.to_bytes(4, "little")
    header += len(pixels).to_bytes(4, "little") + bytes(8) + (len(palette_bytes) // 4).to_bytes(4, "little") + bytes(4)
    return header + masks + palette_bytes + pixels


def mask(*values):
    return b"".join(v.to_bytes(4, "little") for v in values)


def some(n):
    return rng.integers(0, 256, n, dtype=np.uint8).tobytes()


colours = b"".join(some(3) + b"\0" for _ in range(16))
(out / "555.bmp").write_bytes(bmp(5, 4, 16, some(4 * 12)))
(out / "565.bmp").write_bytes(bmp(5, 4, 16, some(4 * 12), 3, mask(0xF800, 0x7E0, 0x1F)))
(out / "fields32.bmp").write_bytes(bmp(5, 4, 32, some(4 * 20), 3, mask(0xFF000000, 0xFF0000, 0xFF00)))
(out / "topdown.bmp").write_bytes(bmp(5, -4, 24, some(4 * 16)))
(out / "4bit.bmp").write_bytes(bmp(5, 4, 4, some(4 * 4), palette_bytes=colours))
(out / "rle8.bmp").write_bytes(bmp(5, 3, 8, bytes([5, 1, 0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 2, 7, 3, 9, 0, 1]), 1,
                                   palette_bytes=colours))
(out / "rle4.bmp").write_bytes(bmp(5, 3, 4, bytes([5, 0x12, 0, 0, 0, 5, 0x34, 0x56, 0x70, 0, 0, 0, 5, 0x99, 0, 1]), 2,
                                   palette_bytes=colours))

levels = {}
for file in sorted(out.iterdir()):
    if file.suffix == ".json":
        continue
    picture = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    value = 0xCBF29CE484222325
    for byte in picture.tobytes():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    levels[file.name] = {"width": picture.width, "height": picture.height, "fnv1a": f"{value:016x}"}
(out / "levels.json").write_text(json.dumps(levels, indent=1) + "\n")
