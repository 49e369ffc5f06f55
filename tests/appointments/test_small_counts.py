"""min_count: small counts are blank, and nothing that is left tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import avon_analytics as avon
from avon_analytics.appointments.calculated.figure import of_counts
from avon_analytics.appointments.calculated.funnel import of_stages
from avon_analytics.appointments.calculated.incidence import of_days
from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.rows.completeness import Completeness
from avon_analytics.appointments.rows.counted import Counted
from avon_analytics.appointments.rows.groupings import GROUPINGS
from avon_analytics.appointments.rows.scope import Scope
from avon_analytics.errors import UsageError
from avon_analytics.figures import FIGURES as DECLARED
from avon_analytics.figures.incidence import CAUSES
from tests.frames import column_names

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic
    from tests.conftest import Loaded

pytestmark = pytest.mark.any_engine

# The sums that the documentation states, once more, in words of their own: total, then parts.
OUTCOMES = (
    "n_slots = n_not_due + n_attended + n_no_show + n_cancelled + n_rescheduled + n_unresolved",
    "n_cancelled = n_cancelled_by_patient + n_cancelled_by_provider + n_cancelled_by_unknown",
    "attended_share_n = n_attended + n_no_show + n_cancelled + n_unresolved",
    "cancelled_share_n = n_attended + n_no_show + n_cancelled + n_unresolved",
)
SUMS: Mapping[str, tuple[str, ...]] = {
    "outcomes": (*OUTCOMES, "no_show_share_n = n_attended + n_no_show"),
    "outcomes booked": (
        *OUTCOMES,
        "no_show_share_n = n_attended + n_no_show + n_cancelled + n_unresolved",
    ),
    "cancellations": (
        "n_cancelled = n_by_patient + n_by_provider + n_by_unknown",
        "cancelled_share_n = n_due",
        "late_share_n = n_cancelled",  # in the tables below all notices are known
    ),
    "reschedules": (
        "n_superseded = n_moved_earlier + n_moved_later",
        "superseded_share_n = n_slots",
    ),
    "rebooking": (
        "n_followed = n_already_held + rebooked_share_n",
        "returned_share_n = n_followed",
    ),
    "lead_times": (),
    "punctuality": (),
}
# Counts of which the first holds the second; their difference is a count, too.
HOLDS = (
    ("late_share_n", "n_late"),
    ("n_late", "n_after_start"),
    ("n_due", "n_cancelled"),
    ("patient_cancelled_share_n", "n_by_patient"),
    ("provider_cancelled_share_n", "n_by_provider"),
    ("n_slots", "n_superseded"),
    ("n_appointments", "n_with_lead"),
    ("n_index", "n_followed"),
    ("n_followed", "n_returned"),
    ("rebooked_share_n", "n_rebooked"),
    ("n_attended", "n_with_actual_times"),
)
EVERYTHING = Completeness(Scope(None, None, "start", False), None, None, None, frozenset())
SHARES = {
    "no_show_share": "n_no_show",
    "attended_share": "n_attended",
    "cancelled_share": "n_cancelled",
    "patient_cancelled_share": "n_by_patient",
    "provider_cancelled_share": "n_by_provider",
    "late_share": "n_late",
    "superseded_share": "n_superseded",
    "rebooked_share": "n_rebooked",
    "returned_share": "n_returned",
    "first_share": "n_reached",
    "previous_share": "n_reached",
}


def counts_of(rows: pd.DataFrame) -> list[str]:
    return [n for n in column_names(rows) if n.startswith("n_") or n.endswith("_share_n")]


def terms(sums: str) -> dict[str, int]:
    total, parts = sums.split(" = ")
    return {total: 1, **dict.fromkeys(parts.split(" + "), -1)}


def told_by_subtraction(
    blank: pd.DataFrame, equations: list[dict[tuple[int, str], int]]
) -> list[tuple[int, str]]:
    """The blank cells that have one value only in all solutions of the equations."""
    names, is_blank = column_names(blank), blank.to_numpy(dtype=bool)
    unknown = [(blank.index[r], names[c]) for r, c in np.argwhere(is_blank)]
    place = {cell: n for n, cell in enumerate(unknown)}
    matrix = np.zeros((len(equations) + 1, len(unknown)))
    for row, equation in enumerate(equations):
        for cell, factor in equation.items():
            if cell in place:
                matrix[row, place[cell]] += factor
    # A cell is fixed if no solution of the homogeneous system moves it.
    _, sizes, directions = np.linalg.svd(matrix)
    rank = int((sizes > 1e-9).sum())
    moves = np.abs(directions[rank:]).max(axis=0, initial=0)
    return [cell for cell, by in zip(unknown, moves, strict=True) if by < 1e-9]


def assert_nothing_is_told(
    rows: pd.DataFrame,
    truth: pd.DataFrame,
    min_count: int,
    equations: list[dict[tuple[int, str], int]],
) -> None:
    names = counts_of(rows)
    shown = rows[names]
    kept = shown.notna().to_numpy()
    assert (shown.fillna(0).to_numpy() == np.where(kept, truth[names].to_numpy(), 0)).all()
    values = shown.to_numpy(dtype="float64", na_value=np.nan)
    assert not ((values > 0) & (values < min_count)).any()
    if len(rows) > 1:
        # The total of each column is known from the same figure without groups.
        equations = equations + [{(r, c): 1 for r in rows.index} for c in names]
    assert told_by_subtraction(shown.isna(), equations) == []
    for share, numerator in SHARES.items():
        if share in rows:
            for part in ("", "_low", "_high"):
                given_away = rows[share + part].notna() & (
                    rows[numerator].isna() | rows[f"{share}_n"].isna()
                )
                assert not given_away.any(), share
    for whole, part in HOLDS:
        if whole in rows and part in rows:
            rest = (rows[whole] - rows[part]).dropna()
            assert ((rest == 0) | (rest >= min_count)).all(), (whole, part)
    for name in column_names(rows):
        if "_if_all_" in name:
            hidden = rows[["n_no_show", "n_unresolved"]].isna().any(axis=1)
            assert rows[name][hidden].isna().all()


def row_equations(rows: pd.DataFrame, figure: str) -> list[dict[tuple[int, str], int]]:
    return [
        {(r, c): factor for c, factor in terms(sums).items()}
        for sums in SUMS[figure]
        for r in rows.index
    ]


# On generated tables


def asked(rows: pd.DataFrame, min_count: int) -> Counted:
    """What a cohort is told whose SQL counted these rows."""
    return Counted(
        rows=rows.copy(),
        keys=(GROUPINGS["host"],),
        every=None,
        as_of=None,
        n_unverified_events=0,
        late="late",
        min_count=min_count,
        completeness=EVERYTHING,
    )


def made(name: str, counted: Counted, **options: Any) -> pd.DataFrame:
    return of_counts(DECLARED[name], counted, options)


COUNT = st.one_of(st.integers(0, 12), st.just(0), st.integers(0, 90))


def tables(*names: str) -> st.SearchStrategy[pd.DataFrame]:
    row = st.fixed_dictionaries(dict.fromkeys(names, COUNT))
    return st.lists(row, min_size=1, max_size=7).map(
        lambda rows: pd.DataFrame(rows).assign(host=[f"h{n}" for n in range(len(rows))])
    )


MIN_COUNT = st.sampled_from([2, 5, 11])
BY_WHOM = ("by_patient", "by_provider", "by_unknown")


@given(
    tables("not_due", "attended", "no_show", *BY_WHOM, "rescheduled", "unresolved"),
    MIN_COUNT,
    st.sampled_from(["completed", "booked"]),
)
@settings(deadline=None, max_examples=60)
def test_outcomes(parts: pd.DataFrame, min_count: int, basis: str) -> None:
    rows = pd.DataFrame({"host": parts.host})
    for name in ("not_due", "attended", "no_show", "rescheduled", "unresolved"):
        rows[f"n_{name}"] = parts[name]
    rows["n_cancelled"] = parts[list(BY_WHOM)].sum(axis=1)
    for name in BY_WHOM:
        rows[f"n_cancelled_{name}"] = parts[name]
    rows["n_slots"] = parts.drop(columns="host").sum(axis=1)
    truth, found = (made("outcomes", asked(rows, bound), basis=basis) for bound in (0, min_count))
    equations = row_equations(found, "outcomes booked" if basis == "booked" else "outcomes")
    assert_nothing_is_told(found, truth, min_count, equations)


@given(tables("rest", "attended", "no_show", *BY_WHOM, "late", "after_start"), MIN_COUNT)
@settings(deadline=None, max_examples=60)
def test_cancellations(parts: pd.DataFrame, min_count: int) -> None:
    rows = pd.DataFrame({"host": parts.host})
    for name in ("attended", "no_show", *BY_WHOM):
        rows[f"n_{name}"] = parts[name]
    rows["n_cancelled"] = parts[list(BY_WHOM)].sum(axis=1)
    rows["n_with_notice"] = rows.n_cancelled
    rows["n_late"] = np.minimum(parts.late, rows.n_cancelled)
    rows["n_after_start"] = np.minimum(parts.after_start, rows.n_late)
    rows["n_due"] = rows.n_cancelled + parts.rest + parts.attended + parts.no_show
    rows["median_notice_hours"] = 5.0
    truth, found = (made("cancellations", asked(rows, bound)) for bound in (0, min_count))
    assert_nothing_is_told(found, truth, min_count, row_equations(found, "cancellations"))
    assert found.median_notice_hours[found.late_share_n.isna()].isna().all()


@given(tables("stayed", "earlier", "later"), MIN_COUNT)
@settings(deadline=None, max_examples=30)
def test_reschedules(parts: pd.DataFrame, min_count: int) -> None:
    rows = pd.DataFrame({"host": parts.host, "n_slots": parts.drop(columns="host").sum(axis=1)})
    rows["n_moved_earlier"], rows["n_moved_later"] = parts.earlier, parts.later
    rows["n_superseded"] = parts.earlier + parts.later
    rows["median_shift_hours"] = rows["median_notice_hours"] = 5.0
    truth, found = (made("reschedules", asked(rows, bound)) for bound in (0, min_count))
    assert_nothing_is_told(found, truth, min_count, row_equations(found, "reschedules"))
    assert found.median_shift_hours[found.n_superseded.isna()].isna().all()


@given(tables("unfollowed", "held", "rebooked", "others", "returned"), MIN_COUNT)
@settings(deadline=None, max_examples=30)
def test_rebooking(parts: pd.DataFrame, min_count: int) -> None:
    rows = pd.DataFrame({"host": parts.host, "n_already_held": parts.held})
    rows["n_followed"] = parts.held + parts.rebooked + parts.others
    rows["n_index"] = rows.n_followed + parts.unfollowed
    rows["n_not_held"] = rows.n_followed - rows.n_already_held
    rows["n_rebooked"] = parts.rebooked
    rows["n_returned"] = np.minimum(parts.returned, rows.n_followed)
    rows["median_days_to_rebook"] = 5.0
    truth, found = (made("rebooking", asked(rows, bound), days=30) for bound in (0, min_count))
    assert_nothing_is_told(found, truth, min_count, row_equations(found, "rebooking"))


ENDS = ("cancelled", "no_show", "rescheduled", "unresolved", "open")


@given(
    tables("completed", *(f"{end}_{step}" for end in ENDS for step in (1, 2)), "o1", "o2", "o3"),
    MIN_COUNT,
)
@settings(deadline=None, max_examples=40)
def test_funnel(parts: pd.DataFrame, min_count: int) -> None:
    found_rows = []
    for row in parts.to_dict("records"):
        reached = {3: row["completed"]}
        for step in (2, 1):
            reached[step] = reached[step + 1] + sum(row[f"{end}_{step}"] for end in ENDS)
        for step, stage in enumerate(("booked", "started", "completed"), 1):
            observed = min(row[f"o{step}"], reached[step])
            found_rows.append(
                {
                    "host": row["host"],
                    "step": step,
                    "stage": stage,
                    "n_all": reached[1],
                    "n_previous": reached.get(step - 1, 0),
                    "n_reached": reached[step],
                    "n_observed": observed,
                    "n_inferred": reached[step] - observed,
                    "n_with_hours": observed,
                    "median_hours_from_previous": 5.0,
                    "p90_hours_from_previous": 5.0,
                    **{f"n_{end}": row.get(f"{end}_{step}", 0) for end in ENDS},
                }
            )
    rows = pd.DataFrame(found_rows)
    truth, found = (of_stages(asked(rows, bound), "slot") for bound in (0, min_count))
    equations: list[dict[tuple[int, str], int]] = []
    for r in found.index:
        step, booked = int(found.step[r]), r - int(found.step[r]) + 1
        equations.append({(r, "n_reached"): 1, (r, "n_observed"): -1, (r, "n_inferred"): -1})
        equations.append({(r, "first_share_n"): 1, (booked, "n_reached"): -1})
        if step < 3:
            ends = {(r, f"n_{end}"): -1 for end in ENDS}
            equations.append({(r, "n_reached"): 1, (r + 1, "n_reached"): -1, **ends})
            equations.append({(r + 1, "previous_share_n"): 1, (r, "n_reached"): -1})
    if found.host.nunique() > 1:
        equations += [
            {(r, name): 1 for r in found.index if found.step[r] == step}
            for name in counts_of(found)
            for step in (1, 2, 3)
        ]
        equations.append({})
    else:
        found, truth = found.copy(), truth.copy()
    names = counts_of(found)
    assert told_by_subtraction(found[names].isna(), equations) == []
    values = found[names].to_numpy(dtype="float64", na_value=np.nan)
    assert not ((values > 0) & (values < min_count)).any()
    assert (found[names].isna() | (found[names] == truth[names])).all(axis=None)
    for share in ("first_share", "previous_share"):
        hidden = found.n_reached.isna() | found[f"{share}_n"].isna()
        assert found[share][hidden].isna().all()


DAYS = st.lists(st.tuples(*[COUNT] * 5).filter(lambda day: sum(day) > 0), min_size=1, max_size=12)


@given(st.lists(DAYS, min_size=1, max_size=3), MIN_COUNT)
@settings(deadline=None, max_examples=60)
def test_incidence(groups: list[list[tuple[int, ...]]], min_count: int) -> None:
    made = [
        {
            "host": f"h{group}",
            "day": day,
            "n_left": sum(events) + censored,
            **{f"n_{cause}": n for cause, n in zip(CAUSES, events, strict=True)},
        }
        for group, days in enumerate(groups)
        for day, (*events, censored) in enumerate(days)
    ]
    rows = pd.DataFrame(made)
    truth, found = (of_days(asked(rows, bound)) for bound in (0, min_count))
    values = found[["n_at_risk", "n_events"]].to_numpy(dtype="float64", na_value=np.nan)
    assert not ((values > 0) & (values < min_count)).any()
    for (_, _), curve in found.groupby(["host", "cause"]):
        hidden = truth.n_events[curve.index].where(curve.n_events.isna(), 0).cumsum()
        # Between two points of the curve that are shown lie no or enough hidden events.
        steps = hidden[curve.cumulative_incidence.notna()].diff().dropna()
        assert ((steps == 0) | (steps >= min_count)).all()
        # What a step of the curve tells is spread over two blank days or more.
        n_blank = curve.n_events.isna().cumsum()[curve.cumulative_incidence.notna()].diff().dropna()
        assert ((steps == 0) | (n_blank >= 2)).all()
        assert curve.cumulative_incidence_low[curve.cumulative_incidence.isna()].isna().all()
    for _, of_host in found.groupby("host"):
        first = of_host[of_host.cause == "attended"]
        told = of_host.n_events.fillna(0).groupby(of_host.day).sum()
        left = -truth.n_at_risk[first.index].diff(-1).iloc[:-1]
        gone = (-left.to_numpy() - told.to_numpy()[:-1]).cumsum()
        rest = np.concatenate([[0], gone])[first.n_at_risk.notna().to_numpy()]
        steps = pd.Series(rest).diff().dropna()
        assert ((steps == 0) | (steps >= min_count)).all()


# By hand


def month(clinic: Clinic) -> None:
    """dr: 10 attended, 1 no-show, 4 cancelled. el: 20 attended, 6 no-shows, 5 cancelled."""
    number = 0
    for host, how_many in (("dr", (10, 1, 4)), ("el", (20, 6, 5))):
        for word, n in zip(("completed", "no_show", "cancelled"), how_many, strict=True):
            for _ in range(n):
                number += 1
                clinic.tell(word, "03-10 16:00", f"v{number}", host=host, attendees=["ann"])


def test_one_row_by_hand(clinic: Clinic) -> None:
    """One no-show among 15 slots: the smallest counts that can make up for it go with it."""
    month(clinic)
    (row,) = clinic.visits(where={"host": "dr"}).outcomes(min_count=3).to_dict("records")
    assert row["n_slots"] == 15
    assert pd.isna(row["n_no_show"])
    assert pd.isna(row["n_attended"])  # else 15 - 10 - 4 = 1
    assert (row["n_cancelled"], row["n_cancelled_by_unknown"], row["no_show_share_n"]) == (4, 4, 11)
    assert (row["n_not_due"], row["n_rescheduled"], row["n_unresolved"]) == (0, 0, 0)
    assert row["cancelled_share"] == 4 / 15
    assert pd.isna(row["no_show_share"])
    assert pd.isna(row["attended_share"])  # else 10 / 15 of 15
    assert pd.isna(row["attended_share_low"])


def test_two_groups_by_hand(clinic: Clinic) -> None:
    """With the whole, 7 no-shows, known, el's six would tell dr's one."""
    month(clinic)
    rows = clinic.visits().outcomes("host", min_count=3)
    assert rows.n_no_show.isna().all()
    assert rows.n_attended.isna().all()
    assert list(rows.n_cancelled) == [4, 5]


def test_nothing_small_stays_as_it_is(clinic: Clinic) -> None:
    month(clinic)
    plain_rows = clinic.visits().outcomes("host")
    rows = clinic.visits(min_count=1).outcomes("host")
    assert rows.equals(plain_rows)
    rows = clinic.visits(min_count=2).outcomes(min_count=0)
    assert str(rows.n_slots.dtype) == "int64"


def test_the_bound_of_the_cohort_and_of_one_figure(clinic: Clinic) -> None:
    month(clinic)
    visits = clinic.visits(min_count=3)
    assert visits.outcomes("host").n_no_show.isna().all()
    assert visits.outcomes("host", min_count=0).n_no_show.tolist() == [1, 6]
    assert visits.outcomes().attrs["min_count"] == 3
    assert visits.compare(clinic.visits(where={"host": None})).share.notna().any()


@pytest.mark.parametrize("given_bound", [-1, 1.5, True, "11"])
def test_a_bound_is_a_whole_number(clinic: Clinic, given_bound: Any) -> None:
    with pytest.raises(UsageError, match="whole number"):
        clinic.visits(min_count=given_bound)
    with pytest.raises(UsageError, match="whole number"):
        clinic.visits().outcomes(min_count=given_bound)


def test_types_are_the_same_whatever_is_blank(clinic: Clinic) -> None:
    month(clinic)
    for ask in FIGURES.values():
        full = ask(clinic.visits(min_count=3))
        none = ask(clinic.visits(min_count=3, start="2030-01-01"))
        assert len(none) == 0
        assert none.dtypes.to_dict() == full.dtypes.to_dict()
        for name in counts_of(full):
            assert str(full[name].dtype) == "Int64"


# On the sample

FIGURES: Mapping[str, Callable[[Cohort], pd.DataFrame]] = {
    "outcomes": lambda visits: visits.outcomes("host"),
    "cancellations": lambda visits: visits.cancellations("cancelled_by", "month"),
    "reschedules": lambda visits: visits.reschedules("weekday"),
    "lead_times": lambda visits: visits.lead_times("patient_state", "month"),
    "rebooking": lambda visits: visits.rebooking("host"),
    "punctuality": lambda visits: visits.punctuality("host", "month"),
    "funnel": lambda visits: visits.funnel("appointment_type"),
    "incidence": lambda visits: visits.incidence("interaction_type"),
}


@pytest.fixture(scope="module")
def store(sample: Loaded) -> Iterator[avon.Store]:
    """The sample's store, held: its slots are computed once."""
    with avon.open(sample.db) as opened, opened._database.reading():
        yield opened


@pytest.mark.parametrize("name", [name for name in FIGURES if name in SUMS])
def test_figures_of_the_sample(store: avon.Store, name: str) -> None:
    truth, found = (FIGURES[name](store.appointments(min_count=bound)) for bound in (0, 11))
    assert found[counts_of(found)].isna().any(axis=None)
    assert_nothing_is_told(found, truth, 11, row_equations(found, name))
