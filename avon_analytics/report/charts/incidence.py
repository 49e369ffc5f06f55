"""What became of bookings by days since: cumulative incidence of each cause."""

from __future__ import annotations

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.axes import ROOM, WHOLE_NUMBERS
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.panels import Foremost, whole_or_panels
from avon_analytics.report.charts.style import Words, colours
from avon_analytics.report.tables.rows import groupings, rows_of
from avon_analytics.report.words.numbers import percent

CAUSES: Words = {
    "attended": ("attended", "attended"),
    "no_show": ("no-show", "no-show"),
    "cancelled": ("cancelled", "cancelled"),
    "rescheduled": ("rescheduled", "rescheduled"),
}
_ENDS = ("_low", "", "_high")


def incidence(
    incidence: pd.DataFrame, *, width: int = 720, legend: bool = True, days: int | None = None
) -> spec.Spec | None:
    """Cumulative incidence by cause, as steps with bands of 95 %; a panel for each group.

    ``days`` ends the axis; without it, the day by which all but one in fifty have ended.
    """
    is_known = incidence["cumulative_incidence"].notna() & incidence["cause"].isin(list(CAUSES))
    known = incidence if is_known.all() else incidence[is_known]
    if known.empty:
        return None
    last = _last_day(known) if days is None else days

    height = 170 if groupings(known) else 280

    def draw(part: pd.DataFrame, _: int) -> spec.Spec | None:
        return _curves(part, last, legend, height)

    return whole_or_panels(known, Foremost.of(known, "n_events"), draw, width, height)


def _last_day(frame: pd.DataFrame) -> int:
    """Where the axis ends: the day before which 98 % of what happened happened."""
    by_day = frame.groupby("day")["n_events"].sum().sort_index().cumsum()
    if by_day.iloc[-1] == 0:
        return max(int(by_day.index[-1]), 1)
    return max(int(by_day[by_day >= 0.98 * by_day.iloc[-1]].index[0]), 1)


def _curves(frame: pd.DataFrame, last: int, legend: bool, height: int) -> spec.Spec | None:
    data = _to_the_end(frame, last)
    causes = set(frame["cause"].unique())
    words = [word for cause, word in CAUSES.items() if cause in causes]
    x = spec.field("day:Q", title="days since booking").axis(
        tickCount=8, labelSeparation=8, **WHOLE_NUMBERS
    )
    x = x.scale(domain=[min(0, int(data["day"].min())), last], nice=False)
    y = spec.field("share:Q", title="share of booked slots")
    y = y.axis(format=".0%", tickCount=5, minExtent=ROOM).scale(domainMin=0)
    base = spec.chart(data).encode(x=x, color=colours("word", words, legend))
    band = base.mark("area", interpolate="step-after", opacity=0.15, aria=False).encode(
        y=spec.field("low:Q", title="share of booked slots"), y2="high:Q"
    )
    line = base.mark("line", interpolate="step-after", strokeWidth=2, aria=False).encode(y=y)
    ends = data[data["day"] == last].copy()
    ends["text"] = [percent(value).replace("\u00a0", " ") for value in ends["share"]]
    words_at_end = (
        spec.chart(_spread(ends, height))
        .mark("text", align="left", dx=6, color=light("ink"), aria=False)
        .encode(x=x, y=spec.field("at:Q"), text="text")
    )
    return spec.layer(band, line, words_at_end).having(height=height)


def _to_the_end(frame: pd.DataFrame, last: int) -> pd.DataFrame:
    """Each curve from 0 at its start to the last day drawn, where it keeps what it reached."""
    curves: dict[str, list[tuple[float, ...]]] = {}
    for row in sorted(rows_of(frame), key=lambda row: float(row["day"])):
        curve = curves.setdefault(row["cause"], [])
        if row["day"] <= last:
            reached = (float(row[f"cumulative_incidence{end}"]) for end in _ENDS)
            curve.append((float(row["day"]), *reached))
    for curve in curves.values():
        if not curve or curve[0][0] > 0:
            curve.insert(0, (0.0, 0.0, 0.0, 0.0))
        if curve[-1][0] < last:
            curve.append((float(last), *curve[-1][1:]))
    points = [(*point, CAUSES[cause][0]) for cause, curve in curves.items() for point in curve]
    return pd.DataFrame(points, columns=["day", "low", "share", "high", "word"])


def _spread(ends: pd.DataFrame, height: int) -> pd.DataFrame:
    """Labels at the end of the curves, moved apart where two would lie on each other."""
    ends = ends.sort_values("share").reset_index(drop=True)
    room = (0.06 if height > 200 else 0.11) * max(float(ends["share"].max()), 0.01)
    at: list[float] = []
    for value in ends["share"]:
        at.append(float(value) if not at else max(float(value), at[-1] + room))
    return ends.assign(at=at)
