"""How numbers are written: counts, measures, shares in per cent, differences in points."""

from __future__ import annotations

import math

import pandas as pd

MISSING = "–"


def is_missing(value: object) -> bool:
    """None, NaN, NaT or NA."""
    return value is None or value is pd.NA or value is pd.NaT or value != value


def number(value: object) -> float | None:
    """A number, or None where it is missing."""
    return None if is_missing(value) else float(value)  # type: ignore[arg-type]


def count(value: object) -> str:
    known = number(value)
    return MISSING if known is None else f"{known:,.0f}".replace("-", "−")


def amount(value: object, digits: int = 1) -> str:
    """A duration or another measure, one decimal."""
    known = number(value)
    return MISSING if known is None else f"{known:,.{digits}f}".replace("-", "−")


def duration(hours: float) -> str:
    """A time that passed: in hours, from three days on in days."""
    if abs(hours) < 72:
        return f"{amount(hours)} hours"
    return f"{count(hours / 24)} days"


def percent(value: object) -> str:
    known = number(value)
    return MISSING if known is None else f"{100 * known:.1f}\u00a0%"


def points(value: object) -> str:
    """A difference of shares in percentage points, with its sign: ``+3.2``, ``−0.4``, ``0.0``."""
    known = number(value)
    if known is None:
        return MISSING
    text = f"{100 * known:.1f}"
    return "0.0" if text in ("0.0", "-0.0") else f"{100 * known:+.1f}".replace("-", "−")


def chance(value: object) -> str:
    """A p-value or the like, to three decimals."""
    known = number(value)
    if known is None:
        return MISSING
    return "< 0.001" if known < 0.001 else f"{known:.3f}"


def plural(n: float | None, one: str, many: str | None = None) -> str:
    """``1 slot``, ``2,000 slots``."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def hours(value: float) -> str:
    """A settable number of hours: ``24 hours``, ``1.5 hours``."""
    return f"{value:g} hour" + ("" if math.isclose(value, 1) else "s")
