"""A week at a glance: one cell for each weekday and hour."""

from __future__ import annotations

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.palette import HEAT, light
from avon_analytics.report.charts.style import PHONE, finish, sized
from avon_analytics.report.tables.rows import rows_of
from avon_analytics.report.words.numbers import count, number
from avon_analytics.report.words.shares import share

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FEW = 10


def week(frame: pd.DataFrame, name: str, *, width: int = 720) -> spec.Spec | None:
    """A share by weekday and hour: the stronger, the higher; too few to tell hold a dot.

    Cells hold the share in per cent and, where there is room, its denominator. The hours drawn
    are those from the first to the last that say something.
    """
    cells = [row for row in rows_of(frame) if _is_placed(row) and share(row, name).n]
    if not cells:
        return None
    telling = [int(row["hour"]) for row in cells if (share(row, name).n or 0) >= FEW]
    drawn = telling or [int(row["hour"]) for row in cells]
    hours = range(min(drawn), max(drawn) + 1)
    cells = [row for row in cells if int(row["hour"]) in hours]
    days = [day for day in DAYS if any(row["weekday"] == day for row in cells)]
    steps = _steps([k.value or 0 for row in cells if ((k := share(row, name)).n or 0) >= FEW])
    room = (width - 60) / max(len(hours), 1)
    digits = 1 if steps[-1] < 0.08 and room >= 30 else 0
    parts = []
    for row in cells:
        known = share(row, name)
        value, n = known.value or 0.0, known.n or 0
        step = -1 if n < FEW else sum(value >= bound for bound in steps)
        parts.append(
            {
                "day": row["weekday"][:3],
                "hour": _hour(int(row["hour"])),
                "fill": light("paper") if step < 0 else light(HEAT[step]),
                "ink": light("muted" if step < 0 else "paper" if step > 2 else "ink"),
                "text": "·" if step < 0 else f"{100 * value:.{digits}f}" if room >= 20 else "",
                "of": f"of {count(n)}" if room >= 46 and step >= 0 else "",
            }
        )
    base = spec.chart(pd.DataFrame(parts)).encode(
        x=spec.field("hour:O", sort=None, title="hour of the planned start")
        .axis(labelAngle=0, ticks=False, domain=False, orient="bottom", labelOverlap=True)
        .scale(domain=[_hour(hour) for hour in hours], padding=0),
        y=spec.field("day:O", sort=None, title=None)
        .axis(ticks=False, domain=False, labelPadding=6, minExtent=38)
        .scale(domain=[day[:3] for day in days], padding=0),
    )
    squares = base.mark("rect", stroke=light("line"), strokeWidth=1, aria=False).encode(
        fill=spec.field("fill:N", scale=None)
    )
    ink = spec.field("ink:N", scale=None)
    up = -6 if room >= 46 else 0
    layers = [
        squares,
        base.mark("text", dy=up, aria=False).encode(text="text", color=ink),
        base.mark("text", dy=8, fontSize=10, aria=False).encode(text="of", color=ink),
    ]
    height = (30 if width < PHONE else 38) * len(days)
    return finish(sized(spec.layer(*layers), width, height), width)


def _is_placed(row: dict[str, object]) -> bool:
    return row.get("weekday") in DAYS and number(row.get("hour")) is not None


def _hour(hour: int) -> str:
    return f"{hour:02d}"


def _steps(values: list[float]) -> list[float]:
    """Bounds of five steps of equal width from 0 to the highest value."""
    highest = max(values, default=0.0) or 1.0
    return [highest * part / len(HEAT) for part in range(1, len(HEAT))]
