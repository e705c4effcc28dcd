"""Names of files for drawn data sets."""


def numbered(folder: str, count: int, start: int = 0, ending: str = ".png") -> list[str]:
    """Return the paths of files called 0000.png, ..."""
    return [f"{folder}/{i:04d}{ending}".lstrip("/") for i in range(start, start + count)]
