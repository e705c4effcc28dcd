"""Files that people might hand over, and what accidents and attackers make of them."""

import io
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

MOST_BYTES = 20_000  # of a mutated file
SIDE = 40


def pictures() -> dict[str, bytes]:
    """Return one small picture of each kind of file that is read."""
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    picture = Image.fromarray(noise // 2 + 60)
    other = Image.fromarray(noise[::-1] // 2)
    grey = picture.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    transparent = picture.copy()
    transparent.putalpha(grey)
    exif = Image.Exif()
    exif[0x0112] = 6
    animated = {"save_all": True, "append_images": [other]}
    ways = {
        "jpeg": (picture, "JPEG", {}),
        "jpeg turned": (picture, "JPEG", {"exif": exif}),
        "jpeg progressive": (picture, "JPEG", {"progressive": True}),
        "jpeg cmyk": (picture.convert("CMYK"), "JPEG", {}),
        "png": (picture, "PNG", {}),
        "png turned": (picture, "PNG", {"exif": exif}),
        "png palette": (picture.quantize(16), "PNG", {"transparency": 0}),
        "png transparent": (transparent, "PNG", {}),
        "png 16 bits": (deep, "PNG", {}),
        "png animated": (picture, "PNG", animated),
        "tiff": (picture, "TIFF", {}),
        "tiff 16 bits": (deep, "TIFF", {}),
        "tiff lzw": (picture, "TIFF", {"compression": "tiff_lzw"}),
        "tiff jpeg": (picture, "TIFF", {"compression": "jpeg"}),
        "tiff pages": (picture, "TIFF", animated),
        "bmp": (picture, "BMP", {}),
        "bmp palette": (picture.quantize(16), "BMP", {}),
        "gif": (picture, "GIF", animated),
        "webp": (picture, "WEBP", {}),
        "webp lossless": (transparent, "WEBP", {"lossless": True}),
        "webp animated": (picture, "WEBP", animated),
        "jpeg 2000": (picture, "JPEG2000", {}),
        "ppm": (picture, "PPM", {}),
    }
    return {name: _written(*way) for name, way in ways.items()}


def _written(picture: Image.Image, kind: str, options: dict) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def tables(names: list[str]) -> dict[str, bytes]:
    """Return tables about images of these names, as people have them."""
    rows = [(name, ("nv", "mel")[i % 2], i // 4, ("train", "test")[i // 4 % 2], 30 + i) for i, name in enumerate(names)]
    header = "image_id{0}dx{0}patient_id{0}split{0}age"

    def text(sign: str = ",", end: str = "\n") -> str:
        return end.join([header.format(sign), *(sign.join(map(str, row)) for row in rows)])

    bits = "\n".join(["image,MEL,NV", *(f"{name},{i % 2}.0,{1 - i % 2}.0" for i, name in enumerate(names))])
    quoted = "\r\n".join(
        ['"image","note","label"', *(f'"{n}","one\ntwo, ""three""","{i % 2}"' for i, n in enumerate(names))]
    )
    return {
        "comma": text().encode(),
        "semicolon": text(";", "\r\n").encode("utf-8-sig"),
        "tab": text("\t", "\r").encode(),
        "utf-16": text(";").encode("utf-16"),
        "cp1252": text().replace("nv", "näv").encode("cp1252"),
        "one-hot": bits.encode(),
        "quoted": quoted.encode(),
    }


def _flip(rng: np.random.Generator, data: bytearray, others: list[bytes]) -> bytes:
    for place in rng.integers(0, len(data), rng.integers(1, 9)):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _overwrite(rng: np.random.Generator, data: bytearray, others: list[bytes]) -> bytes:
    values = (
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\x80\0\0\0",
        b"\0\0\0\1",
        b"\n",
        b",",
        b'"',
        rng.bytes(4),
    )
    place = int(rng.integers(len(data)))
    value = values[rng.integers(len(values))]
    return bytes(data[:place]) + value + bytes(data[place + len(value) :])


def _cut(rng: np.random.Generator, data: bytearray, others: list[bytes]) -> bytes:
    first, last = sorted(int(place) for place in rng.integers(0, len(data) + 1, 2))
    return bytes(data[:first]) + (bytes(data[last:]) if rng.random() < 0.5 else b"")


def _repeat(rng: np.random.Generator, data: bytearray, others: list[bytes]) -> bytes:
    first, last = sorted(int(place) for place in rng.integers(0, len(data) + 1, 2))
    return bytes(data[:last]) + bytes(data[first:last]) * int(rng.integers(1, 4)) + bytes(data[last:])


def _splice(rng: np.random.Generator, data: bytearray, others: list[bytes]) -> bytes:
    other = others[rng.integers(len(others))]
    first, last = sorted(int(place) for place in rng.integers(0, len(other) + 1, 2))
    place = int(rng.integers(len(data) + 1))
    return bytes(data[:place]) + other[first:last] + bytes(data[place:])


def _noise(rng: np.random.Generator, data: bytearray, others: list[bytes]) -> bytes:
    place = int(rng.integers(len(data)))
    return bytes(data[:place]) + rng.bytes(int(rng.integers(1, 200))) + bytes(data[place:])


WAYS: tuple[Callable[[np.random.Generator, bytearray, list[bytes]], bytes], ...] = (
    _flip, _flip, _overwrite, _overwrite, _cut, _repeat, _splice, _noise,
)  # fmt: skip


def mutated(files: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield the kind and the bytes of `count` mutants, each changed one to three times; the same for the same seed."""
    rng = np.random.default_rng(seed)
    names, others = list(files), list(files.values())
    for number in range(count):
        name = names[number % len(names)]
        data = files[name]
        for _ in range(rng.integers(1, 4)):
            if data:
                data = WAYS[rng.integers(len(WAYS))](rng, bytearray(data), others)[:MOST_BYTES]
        yield name, data
