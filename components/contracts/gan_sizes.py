"""The sizes of pictures that a DCGAN can draw."""

from components.contracts.errors import InputError

IMAGE_SIZES = (16, 32, 64, 128, 256)
# A DCGAN that draws twice the size takes four times as long, and learns the less from a small class.
LARGEST_UNASKED = 64


def gan_image_size(asked: int, image_size: int) -> int:
    """Return the height and width of a GAN's pictures: as `asked` for, or for 0 the run's `image_size`.

    Where a DCGAN can't have that one it is the largest power of two below it, 64 at the most. Raises InputError for a
    size that a DCGAN can't have and for one above `image_size`.
    """
    if asked:
        if asked not in IMAGE_SIZES or asked > image_size:
            fitting = ", ".join(str(size) for size in IMAGE_SIZES if size <= image_size)
            raise InputError(f"gan_size: a DCGAN for images of {image_size} can't draw {asked}; take one of {fitting}")
        return asked
    if image_size in IMAGE_SIZES:
        return image_size
    return max(size for size in IMAGE_SIZES if size <= min(image_size, LARGEST_UNASKED))
