"""The tables and charts of one page are one set: none gives away what is blank in another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from avon_analytics.appointments.calculated.small_counts_together import (
    Pair,
    lead_times_blanked,
    pair_blanked,
    parts_blanked,
    whole_blanked,
)
from avon_analytics.figures import FIGURES, Kind
from avon_analytics.report.page.content import Division, Figures

_PERIOD = ["period_on"]
# What the charts of shares over time, and of groups, count.
_OF_SHARES = {
    "no_show_share": ("n_no_show", "no_show_share_n"),
    "cancelled_share": ("n_cancelled", "cancelled_share_n"),
    "attended_share": ("n_attended", "attended_share_n"),
    "late_share": ("n_late", "late_share_n"),
}
_LINES = ["center", "lower", "upper"]


def blanked_together(
    known: Figures, blanked: Figures, division: Division, late_hours: float | None, min_count: int
) -> Figures:
    """The figures of a page with small counts blank, and what some would give away of others.

    ``known`` has all counts; ``blanked`` has each figure blanked by itself. What cannot be blanked
    alike, as it divides the slots across another table, is left out where it would show blanks.
    """
    pair = Pair(known.outcomes, known.cancellations)
    whole = whole_blanked(
        pair, known.cancellations_by_who, known.cancellations_by_notice, late_hours, min_count
    )
    periods = pair_blanked(
        Pair(known.outcomes_by_period, known.cancellations_by_period),
        _PERIOD,
        whole.blank,
        min_count,
    )

    def parts(outcomes: pd.DataFrame | None) -> pd.DataFrame | None:
        return None if outcomes is None else parts_blanked(outcomes, whole.blank, min_count)

    groups, lead, hours = map(
        parts, (known.outcomes_by_group, known.no_show_by_lead, known.no_show_by_hour)
    )
    shares_its_parts = division.every == "day" or division.by in ("weekday", "hour")
    if shares_its_parts and _has_blanks(hours, groups, periods.outcomes):
        hours = None  # days and hours of the week would be known twice
    shows_incidence = not _has_blanks(whole.pair.outcomes, lead)
    shows_hours = not _has_blanks(whole.pair.outcomes)
    shows_lost = shows_hours and not _has_blanks(blanked.lost_time, periods.outcomes)
    lead_times, lead_times_by_period = _lead_times(known, blanked.funnel, min_count)
    outliers = known.outliers
    if outliers is not None:
        outliers = None if groups is None else _beside(outliers, groups, "no_show_share")
    return replace(
        blanked,
        outcomes=whole.pair.outcomes,
        cancellations=whole.pair.cancellations,
        cancellations_by_who=whole.by_who,
        cancellations_by_notice=whole.by_notice,
        outcomes_by_period=periods.outcomes,
        cancellations_by_period=periods.cancellations,
        outcomes_by_group=groups,
        no_show_by_lead=lead,
        no_show_by_hour=hours,
        lead_times=lead_times,
        lead_times_by_period=lead_times_by_period,
        incidence=blanked.incidence if shows_incidence else None,
        signals=_signals(known, periods, division.signals_every == division.every),
        outliers=outliers,
        lost_time=blanked.lost_time if shows_hours else None,
        lost_time_by_period=blanked.lost_time_by_period if shows_lost else None,
        refills=blanked.refills if shows_hours else None,
    )


def _lead_times(
    known: Figures, funnel: pd.DataFrame, min_count: int
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Days booked ahead, of all and by period; none where the funnel, too, would show blanks."""
    whole, periods = known.lead_times, known.lead_times_by_period
    if whole is None or periods is None:
        return whole, periods
    whole, periods = lead_times_blanked(whole, periods, min_count)
    if _has_blanks(funnel.head(1)) or _has_blanks(whole):
        return None, None  # both count all appointments
    return whole, periods


def periods_of_signals(known: Figures, division: Division, min_count: int) -> str:
    """The periods of the charts of shares over time: where shorter ones than those of the tables
    hold a small count, those of the tables.
    """
    numbers = [
        part
        for frame in known.signals.values()
        for part in (frame["n"], frame["count"], frame["n"] - frame["count"])
    ]
    is_small = any(((part > 0) & (part < min_count)).any() for part in numbers)
    return division.every if is_small else division.signals_every


def _signals(known: Figures, periods: Pair, are_of_tables: bool) -> dict[str, pd.DataFrame]:
    """The charts of shares over time, with what is blank in the tables blank in them."""
    if are_of_tables:
        tested = {}
        for share, frame in known.signals.items():
            table = periods.outcomes if share in periods.outcomes else periods.cancellations
            tested[share] = _beside(frame, table, share)
        return tested
    # Of other periods, in which nothing is small: they say what the tables show anyway.
    is_shown = {
        share: not _has_blanks(
            (periods.outcomes if share in periods.outcomes else periods.cancellations)[
                list(_OF_SHARES[share])
            ]
        )
        for share in known.signals
    }
    return {share: frame for share, frame in known.signals.items() if is_shown[share]}


def _beside(frame: pd.DataFrame, table: pd.DataFrame, share: str) -> pd.DataFrame:
    """``signals`` or ``outliers`` beside the table by the same periods or groups."""
    keys = list(frame.columns[: list(frame.columns).index("n")])
    places = {_key(row): n for n, row in enumerate(table[keys].itertuples(index=False))}
    count, n = (table[name].isna().to_numpy() for name in _OF_SHARES[share])
    at = [places.get(_key(row)) for row in frame[keys].itertuples(index=False)]
    is_blank = {
        "n": [place is not None and bool(n[place]) for place in at],
        "count": [place is not None and bool(count[place]) for place in at],
    }
    either = pd.Series(is_blank["n"], frame.index) | pd.Series(is_blank["count"], frame.index)
    shown = frame.copy()
    for name, column in FIGURES[str(frame.attrs["figure"])].spelled.items():
        if column.kind is Kind.COUNT:
            shown[name] = frame[name].astype("Int64").mask(pd.Series(is_blank[name], frame.index))
        elif name in _LINES and "period_on" in keys:  # they rest on all periods
            shown[name] = frame[name].mask(np.full(len(frame), either.any()))
        elif name not in keys and name != "is_in_baseline":
            shown[name] = frame[name].mask(either)
    shown.attrs = dict(frame.attrs)
    return shown


def _key(row: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(map(str, row))


def shown_count(n: int, min_count: int) -> int | None:
    """A count, None where it is small."""
    return None if 0 < n < min_count else n


def _has_blanks(*tables: pd.DataFrame | None) -> bool:
    counts = [
        table[[name for name in table if str(name).startswith("n_") or str(name).endswith("_n")]]
        for table in tables
        if table is not None
    ]
    return any(bool(table.isna().to_numpy().any()) for table in counts)
