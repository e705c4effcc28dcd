"""Decodes one image file: bytes in, a small square RGB picture out, or a refusal in plain words.

Choices, each made so that pictures of one data set stay comparable:

- Files are decoded at full size (no JPEG draft mode), since exact duplicates are those with equal full-size pixels.
- Other shapes are cropped to their central square, not squeezed: squeezing would change a lesion's asymmetry.
- Pictures and the thumbnails of the duplicate search shrink by Lanczos: sharp, antialiased, and symmetric, so that a
  flipped picture gives the flipped thumbnail (Pillow's plain average, BOX, shifts by part of a pixel).
- Transparency is laid on white, as paper and picture viewers show it.
- 16 bits become 8 by one fixed scale (65535 -> 255, or 4095 -> 255 where 12 bits are in use), never by each picture's
  own range: brightness carries meaning.
- Whatever is done to all pixels is done by bands of rows: of a large picture there are two copies at a time, not five.
"""

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

MOST_PIXELS = 50_000_000  # 150 MB decoded; dermoscopes and phones stay below
FORMATS = (
    "JPEG",
    "PNG",
    "TIFF",
    "BMP",
    "GIF",
    "WEBP",
    "JPEG2000",
    "PPM",
)  # none that runs another program, as EPS does
MOST_SCANS = 50  # a progressive JPEG has about 10
MOST_SLOW_PIXELS = 2_000_000  # of what Pillow decodes pixel by pixel: seconds
# What a decoder holds beside the picture, in bytes a pixel (measured); of a progressive JPEG these are coefficients.
_DECODERS = {"JPEG2000": 13, "WEBP": 9, "TIFF": 4, "GIF": 4, "PROGRESSIVE": 6}
_BAND = 1_000_000  # pixels of a band of rows
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd8]")
THUMBNAIL = 32  # pixels; the scale on which near-duplicates are compared

SIXTEEN_BITS = "16 bits to 8"
# Said of pictures of 16 bits whose values need fewer, by how many: 4095 of 65535 becomes 16 of 255.
DARK = {bits: f"16 bits, of which at most {bits} are used" for bits in (8, 10, 12, 14)}

_ORIENTATION = 0x0112  # EXIF tag; its values 2..8 say how to turn the picture upright
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MODES = {"P": "palette", "PA": "palette", "L": "grey", "LA": "grey", "La": "grey", "1": "black and white"}


class RefusedImage(Exception):
    """A file that can't be used; the message is the reason, in words for a user."""


@dataclass(frozen=True)
class Picture:
    """One decoded file.

    `pixels` uint8, S x S x 3; `thumbnail` uint8, 32 x 32 x 3; `sha256` of the upright RGB pixels at full size
    and of that size; `notes` names what was converted, e.g. "CMYK to RGB".
    """

    pixels: np.ndarray
    thumbnail: np.ndarray
    sha256: str
    notes: tuple[str, ...]


def decode(
    data: bytes,
    size: int,
    admit: Callable[[int], AbstractContextManager[None]] = lambda needed: nullcontext(),
    bits_used: int = 16,
) -> Picture:
    """Decode an image file into a picture of `size` x `size` pixels; raises RefusedImage with the reason.

    `bits_used` is how many of the 16 bits of a grey value are in use: 2 to their power, less 1, is white.

    `admit` is entered before the pixels are decoded, with the number of bytes that this takes: it may wait until
    there is room for them, and raises MemoryError if there never will be.
    """
    if not data:
        raise RefusedImage("empty: the file has zero bytes")
    with ExitStack() as admitted:
        try:
            rgb, notes = _decode_rgb(data, bits_used, lambda needed: admitted.enter_context(admit(needed)))
        except (RefusedImage, MemoryError):  # want of memory is no fault of the picture
            raise
        except UnidentifiedImageError:
            raise RefusedImage(_why_unknown(data)) from None
        except Image.DecompressionBombError:
            raise RefusedImage(f"too large: more than {MOST_PIXELS:,} pixels") from None
        except Exception as error:  # a broken file may raise anything at all from inside a decoder
            raise RefusedImage(_why_broken(error)) from None
        width, height = rgb.size
        digest = hashlib.sha256(f"{width}x{height}:".encode())
        for band in _bands(rgb):
            digest.update(rgb.crop(band).tobytes())
        if width != height:
            notes.append("cropped to its central square")
            rgb = _central_square(rgb)
        if min(width, height) < size:
            notes.append(f"enlarged to {size} x {size} pixels")
        return Picture(_resized(rgb, size), _resized(rgb, THUMBNAIL), digest.hexdigest(), tuple(notes))


def _decode_rgb(data: bytes, bits_used: int, admit: Callable[[int], None]) -> tuple[Image.Image, list[str]]:
    notes: list[str] = []
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise RefusedImage(f"too large: {width} x {height} pixels, at most {MOST_PIXELS:,} are read")
        sixteen_bits = image.mode.startswith("I") or any(";16" in str(tile[3]) for tile in image.tile)
        _refuse_slow(data, image)
        admit(_bytes_needed(image))
        turned = _orientation(image) in _UPRIGHT  # decodes a PNG, where EXIF data may follow the pixels
        image.load()
        if sixteen_bits and bits_used < 16 and not image.mode.startswith("I"):
            raise RefusedImage(f"16 bits in colour, of which bits_used={bits_used} can't be read; convert it to 8 bits")
        rgb = _to_rgb(image, notes, bits_used)
        if sixteen_bits:
            notes.append(SIXTEEN_BITS)
            brightest = np.max(rgb.getextrema())
            enough = [bits for bits in DARK if brightest <= round((2**bits - 1) / 257)]
            if bits_used == 16 and enough:
                notes.append(DARK[enough[0]])
        if turned:
            notes.append("turned upright by its EXIF orientation")
        orientation = _orientation(image)  # asked again: TIFF files turn themselves while loading
        if orientation in _UPRIGHT:
            rgb = rgb.transpose(_UPRIGHT[orientation])
        if getattr(image, "is_animated", False):
            notes.append("first of several pictures")
    return rgb, notes


def _bytes_needed(image: ImageFile.ImageFile) -> int:
    """Return the bytes that decoding takes: Pillow's picture and its copy in RGB, and what the decoder holds beside."""
    kind = "PROGRESSIVE" if image.info.get("progressive") else image.format or ""
    pixel = {"1": 1, "L": 1, "P": 1, "I;16": 3, "I;16L": 3, "I;16B": 3}.get(image.mode, 4)
    return image.width * image.height * (pixel + 4 + _DECODERS.get(kind, 0))


def _bands(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Yield boxes (left, upper, right, lower) that cover an image from top to bottom."""
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        yield 0, top, image.width, min(top + rows, image.height)


def _refuse_slow(data: bytes, image: ImageFile.ImageFile) -> None:
    """Refuse what takes minutes to decode though the file is small: each scan of a JPEG goes over the whole picture."""
    if image.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > MOST_SCANS and _scans(data) > MOST_SCANS:
        raise RefusedImage(f"more than {MOST_SCANS} scans, which no camera or program writes; save it anew")
    slow = any(tile[0] in ("ppm", "ppm_plain") for tile in image.tile)
    if slow and image.width * image.height > MOST_SLOW_PIXELS:
        raise RefusedImage(f"a PNM of this kind is read slowly, up to {MOST_SLOW_PIXELS:,} pixels; save it as PNG")


def _scans(data: bytes) -> int:
    """Return the number of scans of a JPEG's first picture, without what lies in its other segments."""
    scans, marker = 0, _MARKER.search(data, 2)
    while marker and marker[0] != b"\xff\xd9":
        scans += marker[0] == b"\xff\xda"
        length = 0 if marker[0] == b"\xff\x01" else int.from_bytes(data[marker.end() : marker.end() + 2], "big")
        marker = _MARKER.search(data, marker.end() + length)
    return scans


def _resized(image: Image.Image, size: int) -> np.ndarray:
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0))


def _central_square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _to_rgb(image: Image.Image, notes: list[str], bits_used: int) -> Image.Image:
    if image.mode == "F":
        raise RefusedImage("floating-point pixels have no known range; convert it to 8 bits")
    if image.mode.startswith("I"):
        image = _to_eight_bits(image, bits_used)
    if image.mode not in ("RGB", "RGBA", "RGBa", "RGBX"):
        notes.append(f"{_MODES.get(image.mode, image.mode)} to RGB")
    if image.has_transparency_data:
        notes.append("transparency laid on white")
        return _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    rgb = Image.new("RGB", image.size)
    for band in _bands(image):
        part = image.crop(band).convert("RGBA")
        rgb.paste(Image.alpha_composite(Image.new("RGBA", part.size, "white"), part).convert("RGB"), band)
    return rgb


def _to_eight_bits(image: Image.Image, bits_used: int) -> Image.Image:
    white = 2**bits_used - 1
    grey = Image.new("L", image.size)
    for band in _bands(image):
        values = np.asarray(image.crop(band)).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise RefusedImage("pixel values beyond 16 bits have no known range; convert it to 8 bits")
        if values.max() > white:
            raise RefusedImage(f"a pixel of {values.max()}, bits_used={bits_used} end at {white}; raise bits_used")
        grey.paste(Image.fromarray(((values * 255 + white // 2) // white).astype(np.uint8)), band)
    return grey


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF data is no reason to lose the picture
        return 1


def _why_unknown(data: bytes) -> str:
    if data[128:132] == b"DICM":
        return "a DICOM file: export it as PNG or JPEG first"
    if data[4:8] == b"ftyp":
        return "HEIC, AVIF or a film, which aren't read: export it as PNG or JPEG first"
    if data.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS in place of the picture: git lfs pull fetches it"
    if data.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "a web page, as a failed download leaves it: download it anew"
    return "not an image that can be read (JPEG, PNG, TIFF, BMP, GIF, WebP, JPEG 2000 or PNM)"


def _why_broken(error: Exception) -> str:
    message = " ".join(str(error).split()) or type(error).__name__
    if "truncated" in message.lower() or isinstance(error, EOFError):
        return "truncated: the file ends before the picture does"
    return f"broken: it can't be decoded ({message})"
