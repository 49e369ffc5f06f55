"""How far a store can be trusted: what came, when, how often, and what only later ones reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd

from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.rows.engine import StoreEngine
from avon_analytics.appointments.slots.queries import create_macros, sql, taken_by
from avon_analytics.appointments.source import CohortSource
from avon_analytics.display import Findings, Shown
from avon_analytics.figures import funnel
from avon_analytics.figures.words import DateLike
from avon_analytics.printable import counted
from avon_analytics.store.database import Database
from avon_analytics.store.frames import frame

MEANINGS: Mapping[str, str] = {
    "coverage": (
        "A gap is a day without any event, between the first and the last, on a weekday that "
        "usually has some. What happened then is known only where a later version reports it; "
        "visits that no later version mentions are missing from every count."
    ),
    "delivery_lag": (
        "How long after an event its first delivery came. A figure as of an instant knows what "
        "occurred by then, however late it was received. Events received before they occurred "
        "point to a wrong clock."
    ),
    "repeats": (
        "How often events were delivered. Repeats are recognised and counted once, so they change "
        "no figure."
    ),
    "signatures": (
        "The best word on each event's signature. What is not verified may not be Avon's, or may "
        "have been altered; n_unverified_events of a figure counts such events behind it."
    ),
    "first_events": (
        "Objects whose created event never came. Booking dates are then read from created_at or "
        "the status history; where these are missing too, lead times leave the visit out."
    ),
    "inferred_stages": (
        "Stages that no webhook of that name reported, but something else did. They count; many of "
        "them mean that webhooks were lost, and that others may have left no trace."
    ),
    "unresolved": (
        "Slots that are due and were never closed, by month of their planned start. They are "
        "neither attended nor missed, so shares of a month with many of them rest on the rest."
    ),
    "drift": (
        "Events, types and fields that the contract does not know: they are kept, but no figure "
        "reads them. Status words without a meaning, and names that are no time zone, decide "
        "nothing; an instant of 0 is read as not set."
    ),
    "custom_fields": (
        "Custom fields in use. Each can be a grouping (custom:<key>); one with values of several "
        "kinds, or on few objects, divides badly."
    ),
}

_DRIFT = """
SELECT kind, path, json_type, count(value) AS n_values, min(first_seen_at) AS first_seen_at,
    max(last_seen_at) AS last_seen_at, sum(n_seen)::BIGINT AS n_seen
FROM drift
GROUP BY kind, path, json_type
ORDER BY kind, path, json_type
"""


@dataclass(frozen=True, repr=False)
class Quality(Shown):
    """What is known of a store's completeness as of an instant, a DataFrame for each question.

    ``coverage``: one row a day from the first to the last: ``day_on``, ``n_events``,
        ``n_appointment_events``, ``is_gap``.
    ``delivery_lag``: one row a kind of event: ``event``, ``n_events``, ``n_without_receipt``,
        ``n_dated_by_receipt`` (nothing else says when they occurred), and of all others
        ``median_lag_minutes``, ``p90_lag_minutes``, ``p99_lag_minutes``, ``max_lag_minutes``,
        ``n_over_a_day``, ``n_before_event``.
    ``repeats``: ``n_deliveries``, ``n_events``.
    ``signatures``: ``signature``, ``n_events``, ``event_share``.
    ``first_events``: ``object_type``, ``n_objects``, ``n_without_first_event``, ``missing_share``.
    ``inferred_stages``: ``stage``, ``n_reached``, ``n_inferred``, ``inferred_share``,
        ``n_out_of_order`` (reported to be before the stage before; such times are in no median).
    ``unresolved``: ``period_on`` (month), ``n_due``, ``n_unresolved``, ``unresolved_share``.
    ``drift``: ``kind``, ``path``, ``json_type``, ``n_values`` (of status words, time zones
        and instants of 0), ``first_seen_at``, ``last_seen_at``, ``n_seen``; of the whole store,
        whatever the instant. What the values are, ``table("drift", identifiers=True)`` shows.
    ``custom_fields``: ``object``, ``key``, ``n_objects``, ``n_values`` (in all versions),
        ``n_texts``, ``n_numbers``, ``n_flags``, ``n_missing``.

    Shares are 0 to 1, missing of nothing; each frame's ``.attrs`` hold ``meaning`` and ``as_of``.
    """

    as_of: datetime | None
    coverage: pd.DataFrame
    delivery_lag: pd.DataFrame
    repeats: pd.DataFrame
    signatures: pd.DataFrame
    first_events: pd.DataFrame
    inferred_stages: pd.DataFrame
    unresolved: pd.DataFrame
    drift: pd.DataFrame
    custom_fields: pd.DataFrame

    @property
    def summary(self) -> pd.DataFrame:
        """One row for each question: ``check``, ``finding`` and ``meaning`` for the figures."""
        rows = [(name, _FINDINGS[name](getattr(self, name)), text) for name, text in _MEANT]
        return pd.DataFrame(rows, columns=["check", "finding", "meaning"]).astype("str")

    def _summary(self) -> Findings:
        at = "no events" if self.as_of is None else f"as of {self.as_of:%Y-%m-%d %H:%M} UTC"
        rows = self.summary.assign(check=self.summary["check"].map(_in_words))
        found = [tuple(row) for row in rows.itertuples(index=False)]
        return Findings(f"Quality of the store, {at}", found)


def quality(database: Database, *, as_of: DateLike | None = None) -> Quality:
    """See ``Store.quality``."""
    visits = CohortSource[Cohort](StoreEngine(database)).appointments(as_of=as_of)
    bound = visits._settings.parameters
    with database.reading() as connection:
        create_macros(connection)
        found = {
            "coverage": _coverage(_asked(connection, "coverage", bound)),
            "delivery_lag": _asked(connection, "delivery_lag", bound),
            "repeats": _asked(connection, "repeats", bound),
            "signatures": _asked(connection, "signatures", bound),
            "first_events": _asked(connection, "first_events", bound),
            "drift": frame(connection, _DRIFT),
            "custom_fields": _asked(connection, "custom_fields", bound),
        }
    signatures, firsts = found["signatures"], found["first_events"]
    _share(signatures, "event_share", signatures.n_events, signatures.n_events.sum())
    _share(firsts, "missing_share", firsts.n_without_first_event, firsts.n_objects)
    found["inferred_stages"] = _inferred(visits)
    found["unresolved"] = _unresolved(visits)
    for name, data in found.items():
        data.attrs = {
            "meaning": MEANINGS[name],
            "as_of": None if visits.as_of is None else visits.as_of.isoformat(),
        }
    return Quality(as_of=visits.as_of, **found)


def _asked(
    connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, Any]
) -> pd.DataFrame:
    query = sql(f"quality_{name}")
    data = frame(connection, query, taken_by(query, parameters))
    return data.astype({column: "int64" for column in data if str(column).startswith("n_")})


def _share(data: pd.DataFrame, name: str, part: pd.Series, whole: Any) -> None:
    data[name] = part.astype("float64") / whole if len(data) else part.astype("float64")


def _coverage(days: pd.DataFrame) -> pd.DataFrame:
    """Every day from the first to the last, and whether it is a gap."""
    if days.empty:
        return days.assign(is_gap=pd.Series(dtype="bool"))
    every = pd.date_range(days.day_on.min(), days.day_on.max(), freq="D", unit="us", name="day_on")
    data = days.set_index("day_on").reindex(every, fill_value=0).reset_index()
    usual = data.n_events.groupby(data.day_on.dt.day_of_week).transform("median")
    data["is_gap"] = (data.n_events == 0) & (usual > 0)
    return data


def _inferred(visits: Cohort) -> pd.DataFrame:
    stages = visits._count(funnel.FIGURE, options={"unit": "appointment"}).rows.sort_values(
        "step", ignore_index=True
    )
    counts = ["n_reached", "n_inferred", "n_out_of_order"]
    data = stages[["stage", *counts]].astype({"stage": "str", **dict.fromkeys(counts, "int64")})
    reached = data.n_reached.where(data.n_reached > 0)
    _share(data, "inferred_share", data.n_inferred, reached)
    return data[["stage", "n_reached", "n_inferred", "inferred_share", "n_out_of_order"]]


def _unresolved(visits: Cohort) -> pd.DataFrame:
    months = visits.outcomes(every="month")
    data = months[["period_on"]].copy()
    data["n_due"] = months.n_slots - months.n_not_due
    data["n_unresolved"] = months.n_unresolved
    _share(data, "unresolved_share", data.n_unresolved, data.n_due.where(data.n_due > 0))
    return data


def _in_words(check: str) -> str:
    return check.replace("_", " ").capitalize()


def _percent(part: float, whole: float) -> str:
    return f"{part:,.0f} of {whole:,.0f}" + (f" ({part / whole:.1%})" if whole else "")


def _of_coverage(data: pd.DataFrame) -> str:
    if data.empty:
        return "no events"
    first, last = data.day_on.iloc[0], data.day_on.iloc[-1]
    days, gaps = counted(len(data), "day"), counted(int(data.is_gap.sum()), "gap")
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}: {days}, {gaps}"


def _of_lag(data: pd.DataFrame) -> str:
    events = data.n_events.sum()
    unknown = data.n_without_receipt.sum() + data.n_dated_by_receipt.sum()
    if events == data.n_without_receipt.sum():
        return "no event reports when it was received"
    if events == unknown:
        return "no event reports when it occurred and when it was received"
    late = _percent(data.n_over_a_day.sum(), events - unknown)
    beside = f"; not known of {unknown:,} others" if unknown else ""
    slowest = data.sort_values("median_lag_minutes", ascending=False).to_dict("records")[0]
    return (
        f"{late} came more than a day late; the slowest kind is {slowest['event']}, "
        f"with a median of {slowest['median_lag_minutes']:,.1f} minutes{beside}"
    )


def _of_repeats(data: pd.DataFrame) -> str:
    again = data.n_events[data.n_deliveries > 1].sum()
    return f"{_percent(again, data.n_events.sum())} events came more than once"


def _of_signatures(data: pd.DataFrame) -> str:
    verified = data.n_events[data.signature == "verified"].sum()
    return f"{_percent(verified, data.n_events.sum())} events verified"


def _of_first_events(data: pd.DataFrame) -> str:
    missing = _percent(data.n_without_first_event.sum(), data.n_objects.sum())
    return f"{missing} objects without their created event"


def _of_stages(data: pd.DataFrame) -> str:
    if data.empty:
        return "no appointments"
    found = "; ".join(
        f"{row['stage']}: {_percent(row['n_inferred'], row['n_reached'])} inferred"
        for row in data.to_dict("records")
    )
    before = data.n_out_of_order.sum()
    return f"{found}; {before:,} reported to be before the stage before" if before else found


def _of_unresolved(data: pd.DataFrame) -> str:
    return f"{_percent(data.n_unresolved.sum(), data.n_due.sum())} due slots"


def _of_drift(data: pd.DataFrame) -> str:
    return f"{len(data):,} things that the contract does not know"


def _of_custom_fields(data: pd.DataFrame) -> str:
    kinds = (data[["n_texts", "n_numbers", "n_flags"]] > 0).sum(axis=1)
    return f"{len(data):,} in use, {(kinds > 1).sum():,} of them with values of several kinds"


_FINDINGS = {
    "coverage": _of_coverage,
    "delivery_lag": _of_lag,
    "repeats": _of_repeats,
    "signatures": _of_signatures,
    "first_events": _of_first_events,
    "inferred_stages": _of_stages,
    "unresolved": _of_unresolved,
    "drift": _of_drift,
    "custom_fields": _of_custom_fields,
}
_MEANT = tuple(MEANINGS.items())
