"""How verdicts write numbers."""


def points(value: float) -> str:
    """Write a difference of shares in percentage points, without its sign."""
    text = f"{abs(value) * 100:.1f}".removesuffix(".0")
    return f"{text} percentage point{'' if text == '1' else 's'}"


def share(value: float) -> str:
    """Write a share as a percentage, without needless digits."""
    return f"{value * 100:.2f}".rstrip("0").rstrip(".") + "%"


def span(interval: tuple[float, float] | list[float]) -> str:
    """Write the interval of a difference in percentage points."""
    return f"{interval[0] * 100:+.1f} to {interval[1] * 100:+.1f}"


def about(count: int) -> str:
    """Round up to two digits, as more are not known."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // unit) * unit:,}"
