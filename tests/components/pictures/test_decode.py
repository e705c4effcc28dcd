import struct
import zlib
from contextlib import nullcontext

import numpy as np
import pytest
from picture_files import encoded, picture
from PIL import Image, TiffImagePlugin

from components.pictures import decode as decode_module
from components.pictures.decode import DARK, RefusedImage, decode


def refusal(data: bytes) -> str:
    with pytest.raises(RefusedImage) as caught:
        decode(data, 32)
    return str(caught.value)


def pixels(image: Image.Image) -> np.ndarray:
    return decode(encoded(image), 32).pixels.astype(int)


def test_a_plain_picture_is_resized_and_nothing_is_noted():
    decoded = decode(encoded(picture(0)), 32)
    assert decoded.pixels.shape == (32, 32, 3)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.thumbnail.shape == (32, 32, 3)
    assert decoded.notes == ()
    expected = np.asarray(picture(0).resize((32, 32), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(decoded.pixels - expected).max() <= 2


def test_the_digest_is_of_the_pixels_not_of_the_file():
    image = picture(1)
    png, bmp = decode(encoded(image), 32), decode(encoded(image, "BMP"), 48)
    jpeg = decode(encoded(image, "JPEG", quality=80), 32)
    assert png.sha256 == bmp.sha256
    assert png.sha256 != jpeg.sha256


def test_the_digest_tells_shapes_apart():
    flat = Image.new("RGB", (40, 10), "red"), Image.new("RGB", (20, 20), "red")
    assert decode(encoded(flat[0]), 8).sha256 != decode(encoded(flat[1]), 8).sha256


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "GIF", "BMP", "WEBP"])
def test_a_truncated_file_is_refused(kind):
    data = encoded(picture(2, 200, 200), kind)
    assert any(word in refusal(data[: len(data) // 2]) for word in ("truncated", "broken"))


def test_a_truncated_jpeg_is_called_truncated():
    data = encoded(picture(2, 200, 200), "JPEG")
    assert refusal(data[: len(data) * 2 // 3]) == "truncated: the file ends before the picture does"


def test_text_is_refused_as_no_image():
    assert refusal(b"name,label\n1,2\n").startswith("not an image that can be read (JPEG, PNG")


def test_a_dicom_file_is_refused_with_the_way_out():
    assert refusal(bytes(128) + b"DICM" + bytes(500)) == "a DICOM file: export it as PNG or JPEG first"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(99), "HEIC, AVIF or a film"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
        (b"\n<!DOCTYPE html><html>404", "a web page"),
        (b"<HTML>404", "a web page"),
    ],
)
def test_what_often_stands_in_place_of_a_picture_is_named(data, said):
    assert refusal(data).startswith(said)


def test_a_postscript_file_is_never_run():
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"
    assert refusal(program).startswith("not an image")


def test_an_empty_file_is_refused():
    assert refusal(b"") == "empty: the file has zero bytes"


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_100, 11_000, 60_000])
def test_a_decompression_bomb_is_refused_before_its_pixels_are_decoded(side, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    with pytest.warns() if 9_460 < side < 13_379 else nullcontext():
        assert refusal(png_header(side, side)).startswith("too large: ")


def test_sixteen_bits_are_scaled_by_the_fixed_full_range():
    values = np.full((40, 40), 65535 // 2, dtype=np.uint16)
    values[:, 20:] = 65535 // 4
    decoded = decode(encoded(Image.fromarray(values)), 32)
    assert decoded.notes == ("grey to RGB", "16 bits to 8")
    assert np.unique(decoded.pixels[:, :8]).tolist() == [127]
    assert np.unique(decoded.pixels[:, -8:]).tolist() == [64]


def test_twelve_of_sixteen_bits_are_scaled_on_request_and_else_noted_as_dark():
    values = np.zeros((40, 40), dtype=np.uint16)
    values[:, 20:], values[:, 30:] = 2048, 4095
    file = encoded(Image.fromarray(values))
    assert decode(file, 40).notes == ("grey to RGB", "16 bits to 8", DARK[12])
    scaled = decode(file, 40, bits_used=12)
    assert scaled.notes == ("grey to RGB", "16 bits to 8")
    assert [scaled.pixels[0, column, 0] for column in (5, 25, 37)] == [0, 128, 255]
    assert decode(tiff_sixteen_bits_big_endian(values), 40, bits_used=12).sha256 == scaled.sha256


def test_values_beyond_the_bits_in_use_are_refused():
    file = encoded(Image.fromarray(np.full((9, 9), 4096, dtype=np.uint16)))
    with pytest.raises(RefusedImage, match="a pixel of 4096, bits_used=12 end at 4095; raise bits_used"):
        decode(file, 9, bits_used=12)
    with pytest.raises(RefusedImage, match="16 bits in colour"):
        decode(sixteen_bit_colour(), 8, bits_used=12)


def test_eight_bits_are_read_alike_whatever_bits_are_in_use():
    grey = encoded(picture(5).convert("L"))
    assert decode(grey, 32, bits_used=12).sha256 == decode(grey, 32).sha256


def test_big_endian_sixteen_bits_are_read_alike():
    values = np.linspace(0, 65535, 1600).reshape(40, 40).astype(np.uint16)
    small = decode(encoded(Image.fromarray(values), "TIFF"), 32)
    big = decode(tiff_sixteen_bits_big_endian(values), 32)
    assert "16 bits to 8" in big.notes
    assert big.sha256 == small.sha256


def tiff_sixteen_bits_big_endian(values: np.ndarray) -> bytes:
    height, width = values.shape
    body = values.astype(">u2").tobytes()
    entries = [(256, width), (257, height), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1), (278, height)]
    table = struct.pack(">H", len(entries) + 1)
    table += b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in entries)
    table += struct.pack(">HHII", 279, 4, 1, len(body)) + struct.pack(">I", 0)
    return b"MM\x00*" + struct.pack(">I", 8 + len(body)) + body + table


def sixteen_bit_colour() -> bytes:
    rgb = np.zeros((20, 20, 3), dtype=">u2")
    rgb[..., 0] = 65535
    rows = b"".join(b"\x00" + row.tobytes() for row in rgb)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_sixteen_bit_colour_is_noted():
    decoded = decode(sixteen_bit_colour(), 8)
    assert decoded.notes == ("16 bits to 8",)
    assert decoded.pixels[0, 0].tolist() == [255, 0, 0]


def test_values_without_a_known_range_are_refused():
    assert "no known range" in refusal(encoded(Image.fromarray(np.full((9, 9), 1e5, dtype=np.float32)), "TIFF"))
    assert "no known range" in refusal(encoded(Image.fromarray(np.full((9, 9), 70_000, dtype=np.int32)), "TIFF"))


def test_cmyk_becomes_rgb():
    decoded = decode(encoded(picture(3).convert("CMYK"), "JPEG", quality=95), 32)
    assert decoded.notes == ("CMYK to RGB",)
    assert np.abs(decoded.pixels - pixels(picture(3))).mean() < 3


def test_a_palette_becomes_rgb():
    decoded = decode(encoded(picture(4).quantize(256)), 32)
    assert decoded.notes == ("palette to RGB",)
    assert np.abs(decoded.pixels - pixels(picture(4))).mean() < 8


def test_grey_becomes_rgb():
    decoded = decode(encoded(picture(5).convert("L")), 32)
    assert decoded.notes == ("grey to RGB",)
    assert (decoded.pixels[..., 0] == decoded.pixels[..., 2]).all()


def test_transparency_is_laid_on_white():
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((200, 10, 10, 255), (0, 0, 20, 40))
    decoded = decode(encoded(image), 32)
    assert decoded.notes == ("transparency laid on white",)
    assert decoded.pixels[16, 2].tolist() == [200, 10, 10]
    assert decoded.pixels[16, 30].tolist() == [255, 255, 255]


def test_a_transparent_colour_of_a_palette_is_laid_on_white():
    image = Image.new("P", (40, 40), 1)
    image.putpalette([255, 0, 0, 0, 0, 0])
    decoded = decode(encoded(image, transparency=1), 32)
    assert decoded.notes == ("palette to RGB", "transparency laid on white")
    assert (decoded.pixels == 255).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_turns_the_picture_upright(kind, orientation):
    upright = picture(6, 64, 64)
    stored = upright.transpose(  # what a camera stores is the inverse of the turn that EXIF asks for
        {
            2: Image.Transpose.FLIP_LEFT_RIGHT,
            3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90,
            7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270,
        }[orientation]
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[0x0112] = orientation
        data = encoded(stored, kind, tiffinfo=tags)
    else:
        data = encoded(stored, kind, exif=exif)
    decoded = decode(data, 32)
    assert decoded.notes == ("turned upright by its EXIF orientation",)
    assert np.abs(decoded.pixels - pixels(upright)).mean() < 4


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_lose_the_picture():
    data = encoded(picture(7), "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\xff\xff\x00\x01")
    assert decode(data, 32).pixels.shape == (32, 32, 3)


def test_a_wide_picture_is_cropped_to_its_centre_not_squeezed():
    image = Image.new("RGB", (90, 30), "red")
    image.paste("blue", (30, 0, 60, 30))
    decoded = decode(encoded(image), 16)
    assert decoded.notes == ("cropped to its central square",)
    assert (decoded.pixels == [0, 0, 255]).all()
    assert (decoded.thumbnail == [0, 0, 255]).all()


def test_the_centre_of_a_turned_picture_is_the_turned_centre():
    image = picture(8, 200, 300)
    plain, turned = decode(encoded(image), 32), decode(encoded(image.transpose(Image.Transpose.ROTATE_90)), 32)
    assert np.abs(np.rot90(plain.thumbnail).astype(int) - turned.thumbnail).max() <= 1


def test_a_small_picture_is_enlarged_and_noted():
    assert decode(encoded(picture(9, 10, 10)), 32).notes == ("enlarged to 32 x 32 pixels",)


def test_of_several_pictures_the_first_is_taken():
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue", "green")]
    for kind in ("GIF", "TIFF", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        decoded = decode(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options), 32)
        assert "first of several pictures" in decoded.notes
        assert (decoded.pixels == [255, 0, 0]).all(), kind


def test_any_failure_inside_a_decoder_is_a_refusal(monkeypatch):
    def explode(*args):
        raise KeyError("inside")

    monkeypatch.setattr(decode_module, "_to_rgb", explode)
    assert refusal(encoded(picture(0))) == "broken: it can't be decoded ('inside')"
