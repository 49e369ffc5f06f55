"""The tables and charts of one page: no blank of one follows from all that the others show.

The attack knows what each number counts, and nothing of who came: every number of the page is a sum
over kinds of slots (of a month, a host, a lead, an hour, an outcome, …), and a blank is told if it
is a combination of the numbers that are shown. Kinds are drawn at random, so many that what holds
for all of them holds for any clinic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
import pandas as pd

import avon_analytics as avon
from avon_analytics.report.page.collect import collect
from avon_analytics.report.page.render import render

# What became of a slot: outcome, who cancelled, notice. Late is under 24 hours.
BANDS = ("after start", "under 2 hours", "2-24 hours", "1-7 days", "over 7 days", None)
FATES = [
    *((fate, None, None) for fate in ("not_due", "attended", "no_show", "rescheduled")),
    ("unresolved", None, None),
    *(("cancelled", who, band) for who in ("patient", "provider", "unknown") for band in BANDS),
]
Kind = dict[str, Any]
Test = Callable[[Kind], bool]


def _is(*fates: str) -> Test:
    return lambda kind: kind["fate"] in fates


def _cancelled(who: str | None = None, bands: tuple[str | None, ...] = BANDS) -> Test:
    return lambda kind: (
        kind["fate"] == "cancelled"
        and kind["who"] in (who or kind["who"],)
        and kind["band"] in bands
    )


DUE = ("attended", "no_show", "cancelled", "unresolved")
KNOWN = BANDS[:5]
COUNTED: dict[str, Test] = {
    "n_slots": lambda kind: True,
    **{f"n_{fate}": _is(fate) for fate in (*DUE, "not_due", "rescheduled")},
    **{f"n_cancelled_by_{who}": _cancelled(who) for who in ("patient", "provider", "unknown")},
    **{f"n_by_{who}": _cancelled(who) for who in ("patient", "provider", "unknown")},
    "no_show_share_n": _is("attended", "no_show"),
    "attended_share_n": _is(*DUE),
    "cancelled_share_n": _is(*DUE),
    "n_due": _is(*DUE),
    "patient_cancelled_share_n": lambda kind: (
        _is("attended", "no_show")(kind) or _cancelled("patient")(kind)
    ),
    "provider_cancelled_share_n": lambda kind: (
        _is("attended")(kind) or _cancelled("provider")(kind)
    ),
    "late_share_n": _cancelled(bands=KNOWN),
    "n_late": _cancelled(bands=BANDS[:3]),
    "n_after_start": _cancelled(bands=BANDS[:1]),
}
OF_SHARE = {
    "no_show_share": ("n_no_show", "no_show_share_n"),
    "cancelled_share": ("n_cancelled", "cancelled_share_n"),
    "attended_share": ("n_attended", "attended_share_n"),
    "late_share": ("n_late", "late_share_n"),
}
SHARES = {
    **OF_SHARE,
    "patient_cancelled_share": ("n_by_patient", "patient_cancelled_share_n"),
    "provider_cancelled_share": ("n_by_provider", "provider_cancelled_share_n"),
}
BY = {"who": "cancelled_by", "band": "notice_band"}


@dataclass(frozen=True)
class Number:
    """A number of the page: what it counts, and of which kinds; missing where it is blank."""

    where: str
    counts: str
    keys: tuple[tuple[str, Any], ...]
    value: float | None


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value


def numbers(name: str, table: pd.DataFrame | None, keys: dict[str, str]) -> Iterator[Number]:
    """All numbers of a table that count, shares times their denominators among them."""
    for row in [] if table is None else table.to_dict("records"):
        at = tuple((dimension, _plain(row[column])) for dimension, column in keys.items())
        for column, value in row.items():
            if column in COUNTED:
                yield Number(f"{name} {at} {column}", str(column), at, _plain(value))
        for share, (part, among) in SHARES.items():
            if _plain(row.get(share)) is not None:  # both, then, or their quotient at least
                assert _plain(row.get(part, 1)) is not None, (name, at, share)
                assert _plain(row.get(among, 1)) is not None, (name, at, share)


def _hours(table: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if table is None else table.assign(of_week=table.weekday + table.hour.map(str))


def page(figures: Any, by: str) -> list[Number]:
    found = [
        *numbers("outcomes", figures.outcomes, {}),
        *numbers("cancellations", figures.cancellations, {}),
        *numbers("by period", figures.outcomes_by_period, {"period": "period_on"}),
        *numbers("c. by period", figures.cancellations_by_period, {"period": "period_on"}),
        *numbers("by group", figures.outcomes_by_group, {"group": by}),
        *numbers("by lead", figures.no_show_by_lead, {"lead": "lead_band"}),
        *numbers("by hour", _hours(figures.no_show_by_hour), {"hour": "of_week"}),
        *numbers("by who", figures.cancellations_by_who, {"who": "cancelled_by"}),
        *numbers("by notice", figures.cancellations_by_notice, {"band": "notice_band"}),
    ]
    for name, share, table, keys in (
        *(
            ("signals", one, frame, {"period": "period_on"})
            for one, frame in figures.signals.items()
        ),
        ("outliers", "no_show_share", figures.outliers, {"group": by}),
    ):
        if table is not None:
            part, among = OF_SHARE[share]
            renamed = table.rename(columns={"count": part, "n": among})
            known = list(numbers(name, renamed, keys))
            # A centre that is shown is that of counts that are.
            assert all(one.value is not None for one in known) or table["center"].isna().any()
            found += known
    return found


def kinds(found: list[Number], seed: int) -> list[Kind]:
    """Kinds of slots: each value of each dimension with each fate, all else drawn."""
    random = Random(seed)
    values: dict[str, list[Any]] = {"whole": [None]}
    for number in found:
        for name, key in number.keys:
            if name not in BY and key not in values.setdefault(name, []):
                values[name].append(key)
    drawn = []
    for name, among in values.items():
        for value in among:
            for fate, who, band in FATES:
                for _ in range(2):
                    kind = {other: random.choice(known) for other, known in values.items()}
                    drawn.append({**kind, name: value, "fate": fate, "who": who, "band": band})
    return drawn


def told(found: list[Number]) -> list[str]:
    """The blanks that are a combination of the numbers that are shown."""
    drawn = kinds(found, 3)
    counted = {name: np.array([test(kind) for kind in drawn]) for name, test in COUNTED.items()}
    held = {
        key: np.array([kind[key[0]] == key[1] for kind in drawn])
        for key in {key for number in found for key in number.keys}
    }
    shown: dict[bytes, np.ndarray] = {}
    blank: dict[bytes, tuple[str, np.ndarray]] = {}
    for number in found:
        vector = np.logical_and.reduce([counted[number.counts], *(held[k] for k in number.keys)])
        if number.value is None:
            blank[vector.tobytes()] = number.where, vector
        else:
            shown[vector.tobytes()] = vector
    # What the numbers span, by their products with each other.
    matrix = np.array([*shown.values()], dtype=float)
    size, turned = np.linalg.eigh(matrix @ matrix.T)
    basis = (turned[:, size > 1e-7] / np.sqrt(size[size > 1e-7])).T @ matrix
    wanted = np.array([vector for _, vector in blank.values()], dtype=float)
    far = np.linalg.norm(wanted - (wanted @ basis.T) @ basis, axis=1)
    return [
        where
        for (key, (where, _)), rest in zip(blank.items(), far, strict=True)
        if rest < 1e-3 or key in shown
    ]


def test_a_brief_page_rests_on_what_it_shows_alone(sample: Any) -> None:
    with avon.open(sample.db) as store:
        visits = store.appointments("2025-01-01", "2025-03-01")
        content = collect(store._database, visits, title="t", brief=True)
    figures = content.figures
    assert figures.incidence is figures.lost_time is figures.no_show_by_hour is None
    assert "Outcomes by month" in render(content, brief=True)


def test_no_table_or_chart_tells_what_is_blank_in_another(sample: Any) -> None:
    with avon.open(sample.db) as store:
        visits = store.appointments("2025-01-01", "2025-04-01", min_count=11)
        figures = collect(store._database, visits, title="t", by="host", every="month").figures
        apart = replace(
            figures,
            outcomes_by_period=visits.outcomes(every="month"),
            cancellations_by_period=visits.cancellations(every="month"),
        )
    found = page(figures, "host")
    assert any(number.value is None for number in found)
    assert told(found) == []
    assert told(page(apart, "host")), "each by itself, they tell of each other"
