"""How the report writes numbers."""

import math
from collections.abc import Callable, Sequence

NOTHING = "–"


def percent(value: float | None) -> str:
    """Return a share (0..1) as a percentage with one decimal."""
    return NOTHING if _missing(value) else f"{100 * value:.1f}%"  # type: ignore[operator]


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with `digits` decimals and a real minus."""
    return NOTHING if _missing(value) else f"{value:.{digits}f}".replace("-", "−")


def count(value: float | None, digits: int = 0) -> str:
    """Return a count with thin spaces between thousands."""
    return NOTHING if _missing(value) else f"{value:,.{digits}f}".replace(",", "\u2009")


def counts(values: Sequence[float]) -> list[str]:
    """Return counts that stand together: all with one decimal if one of them, a mean, is not whole."""
    whole = all(abs(value - round(value)) < 1e-9 for value in values)
    return [count(value, 0 if whole else 1) for value in values]


def plural(value: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count(value)} {noun if value == 1 else noun + 's'}"


def points(value: float | None) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    return NOTHING if _missing(value) else f"{100 * value:+.1f}".replace("-", "−")  # type: ignore[operator]


def signed(value: float | None, digits: int = 3) -> str:
    """Return a difference with its sign."""
    return NOTHING if _missing(value) else f"{value:+.{digits}f}".replace("-", "−")


def p_value(value: float | None) -> str:
    """Return a p-value with three decimals, or that it is smaller than they can say."""
    if _missing(value):
        return NOTHING
    assert value is not None
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def interval(ends: Sequence[float] | None, write: Callable[[float], str]) -> str:
    """Return an interval as "low to high", each end written by `write`; a shared percent sign stands once."""
    if ends is None or any(_missing(end) for end in ends):
        return NOTHING
    low, high = (write(end) for end in ends)
    return f"{low.removesuffix('%')} to {high}"


def threshold_range(thresholds: Sequence[float]) -> str:
    """Return the thresholds of the replicates as their range."""
    low, high = min(thresholds), max(thresholds)
    return number(low, 2) if high - low < 0.005 else f"{number(low, 2)} to {number(high, 2)}"


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)
