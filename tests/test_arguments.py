"""What a call is given: values out of frames are taken, what is wrong ends in a sentence."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.errors import AvonError, AvonWarning, UsageError
from avon_analytics.figures import FIGURES

ODD = {
    "one": 1,
    "minus one": -1,
    "nan": float("nan"),
    "infinity": float("inf"),
    "huge": 1e300,
    "thousands of digits": 10**5_000,
    "thousands of digits as a text": "7" * 5_000,
    "text": "x",
    "empty": "",
    "bytes": b"x",
    "true": True,
    "object": object(),
    "empty list": [],
    "list": ["x"],
    "nested": [["x"]],
    "empty dict": {},
    "dict": {"a": None},
    "NA": pd.NA,
    "NaT": pd.NaT,
    "series": pd.Series([1]),
    "last day": date(9999, 12, 31),
    "first day": date(1, 1, 1),
    "period": pd.Period("2025-01"),
    "numpy": np.int64(3),
    "day of numpy": np.datetime64("2025-01-01"),
    "hours of numpy": np.timedelta64(3, "h"),
}
# Of each kind one, where a call takes its time.
KINDS = ("minus one", "nan", "text", "object", "list", "dict", "NA", "series", "numpy")
QUICK_FIGURES = (
    *("outcomes", "funnel", "cancellations", "reschedules", "lead_times", "rebooking"),
    *("incidence", "punctuality"),
)


@pytest.fixture(scope="module")
def db(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one's own, only read."""
    return Path(tiny.copy(tmp_path_factory.mktemp("arguments") / "clinic.duckdb"))


@pytest.fixture(scope="module")
def store(db: Path) -> Iterator[avon.Store]:
    """The same, open and held: each question would open the file and compute its slots anew."""
    with avon.open(db) as opened, opened._database.reading():
        yield opened


def asked(call: Callable[..., object], **given: object) -> object:
    """What a call returns; None where it refuses in a sentence. Anything else fails the test."""
    with warnings.catch_warnings(), suppress(AvonError):
        warnings.simplefilter("ignore", AvonWarning)
        return call(**given)
    return None


def parameters(call: Callable[..., object]) -> list[str]:
    return [
        name
        for name, one in inspect.signature(call).parameters.items()
        if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    ]


@pytest.mark.parametrize("odd", ODD)
def test_no_argument_of_a_cohort_ends_in_a_traceback(store: avon.Store, odd: str) -> None:
    for name in parameters(store.appointments):
        cohort = asked(store.appointments, **{name: ODD[odd]})
        if isinstance(cohort, avon.Cohort):
            asked(cohort.outcomes, every="month")
            assert repr(cohort)


@pytest.mark.parametrize("odd", ODD)
def test_no_argument_of_a_figure_ends_in_a_traceback(store: avon.Store, odd: str) -> None:
    cohort, coming = store.appointments(), store.appointments(period="next-month")
    for named in FIGURES if odd in KINDS else QUICK_FIGURES:
        figure = getattr(coming if named == "expected" else cohort, named)
        for name in parameters(figure):
            asked(figure, **{name: ODD[odd]})
    for name in ("other", "figure", "by"):
        asked(cohort.compare, **{"other": cohort, name: ODD[odd]})


@pytest.mark.parametrize("odd", KINDS)
def test_no_argument_of_a_store_ends_in_a_traceback(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    monkeypatch.chdir(tmp_path)
    db = tiny.copy(tmp_path / "clinic.duckdb")  # some of these calls do what they are asked for
    store = avon.open(db)
    for name in ("threads", "memory_limit", "time_zone", "wait"):
        asked(lambda **given: avon.open(db, **given).tables(), **{name: ODD[odd]})
    needed = {"name": "events", "query": "SELECT 1", "out": "out", "appointment_id": "appt_1"}
    for ask in (
        *(store.table, store.sql, store.quarantine.lines, store.quarantine.errors, store.explain),
        *(store.quality, store.custom_fields, store.forget, store.quarantine.export),
    ):
        own = {key: value for key, value in needed.items() if key in parameters(ask)}
        for name in parameters(ask):
            asked(ask, **{**own, name: ODD[odd]})
    asked(store.sql, query="SELECT $x", x=ODD[odd])
    for name in parameters(store.load):
        given = {"paths": tiny.archive, "secrets": tiny.secrets, "progress": False}
        asked(store.load, **{**given, name: ODD[odd]})
    for name in ("secrets", "policy", "code", "file", "line_limit"):
        asked(store.quarantine.replay, **{"secrets": tiny.secrets, name: ODD[odd]})


@pytest.mark.parametrize("odd", KINDS)
def test_no_argument_of_a_chart_or_a_file_ends_in_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in dir(avon.plot):
        draw = getattr(avon.plot, name)
        more = ["chart.svg"] if name == "save" else []
        asked(lambda given, draw=draw, more=more: draw(given, *more), given=ODD[odd])
    asked(avon.export, frame=ODD[odd], path=tmp_path / "x.csv")
    asked(avon.export, frame=pd.DataFrame({"n": [1]}), path=ODD[odd])
    for name in ("n_appointments", "seed", "mishap_every"):
        wanted = {"n_appointments": 2, name: ODD[odd]}
        asked(lambda given=wanted: avon.write_sample(tmp_path / "made", **given))


# Values out of a figure's own frame


def test_a_missing_value_of_any_kind_asks_for_what_is_missing(store: avon.Store) -> None:
    key = next(k for k in store.custom_fields("appointment").columns if k != "appointment_id")
    by = f"custom:{key}"
    for grouping in (by, "patient_state"):
        missing = store.appointments(where={grouping: None}).outcomes()
        for value in (float("nan"), np.float64("nan"), pd.NA, pd.NaT):
            found = store.appointments(where={grouping: value})
            pd.testing.assert_frame_equal(found.outcomes(), missing)
            assert f"{grouping} is missing" in found.in_words()
    assert store.appointments(where={by: None}).outcomes()["n_slots"].sum() > 0


@pytest.mark.parametrize("by", ["host", "weekday", "hour", "self_booked", "lead_band"])
def test_each_group_of_a_figure_can_be_asked_for_by_its_own_value(
    store: avon.Store, by: str
) -> None:
    figure = store.appointments().outcomes(by=by)
    for frame in (figure, figure.astype({by: object})):
        for value, n_slots in zip(frame[by], frame["n_slots"], strict=True):
            assert store.appointments(where={by: value}).outcomes()["n_slots"].tolist() == [n_slots]
    for several in (figure[by], figure[by].to_numpy(), list(figure[by])):
        whole = store.appointments(where={by: several}).outcomes()["n_slots"].tolist()
        assert whole == [figure["n_slots"].sum()]


def test_numbers_of_numpy_are_numbers(store: Any) -> None:  # types ask for Python's own numbers
    usual = store.appointments(min_count=3, grace=24, late=24)
    found = store.appointments(
        min_count=np.int64(3), grace=np.float64(24), late=np.timedelta64(24, "h")
    )
    pd.testing.assert_frame_equal(found.outcomes(), usual.outcomes())
    pd.testing.assert_frame_equal(usual.rebooking(days=np.int32(30)), usual.rebooking(days=30))
    first, last = np.datetime64("2025-03-01"), pd.Timestamp("2025-06-01")
    pd.testing.assert_frame_equal(
        store.appointments(first, last).outcomes(),
        store.appointments("2025-03-01", "2025-06-01").outcomes(),
    )


# What is no such thing


@pytest.mark.parametrize("name", ["grace", "late"])
@pytest.mark.parametrize(
    "wrong", [float("nan"), float("inf"), -1, "24", True, None, pd.NaT, timedelta(hours=-1)]
)
def test_hours_are_hours(store: avon.Store, name: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=f"{name}: expected a number of hours from 0"):
        store.appointments(**{name: wrong})


@pytest.mark.parametrize("name", ["start", "end"])
@pytest.mark.parametrize(
    "wrong",
    [20251001, pd.NaT, float("nan"), pd.Period("2025-01"), "soon", "2025-01", ["2025-01-01"]],
)
def test_a_window_has_dates(store: avon.Store, name: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=f"{name}: give a day such as '2025-01-31'"):
        store.appointments(**{name: wrong})


@pytest.mark.parametrize(
    "timed", ["2025-01-31 10:00", "2025-01-31T00:00Z", pd.Timestamp("2025-01-31 09:00")]
)
def test_a_window_has_no_times_of_day(store: avon.Store, timed: Any) -> None:
    with pytest.raises(UsageError, match="start: a day begins at local midnight; give a day such"):
        store.appointments(start=timed)


def test_of_a_text_in_place_of_a_word_only_the_beginning_is_repeated(db: Path) -> None:
    text = "no such word, " * 100_000
    store: Any = avon.open(db)
    cohort = store.appointments()
    for ask in (
        lambda: cohort.outcomes(by=text),
        lambda: cohort.outcomes(every=text),
        lambda: cohort.behind(cohort.outcomes(), 0, text),
        lambda: store.explain(text),
        lambda: store.table(text),
        lambda: store.appointments(where={"host": text}).outcomes(),
        lambda: avon.open(db, time_zone=text),
    ):
        with pytest.raises(AvonError, match=r"no such word, no such word.*…") as raised:
            ask()
        assert len(str(raised.value)) < 3000


@pytest.mark.parametrize("name", ["start", "end", "as_of"])
@pytest.mark.parametrize("wrong", ["2025-02-29", "2025-13-01", "2025-04-31T12:00:00Z"])
def test_a_day_that_the_calendar_lacks_is_named(store: avon.Store, name: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=f"^{name}: the calendar has no day {wrong[:10]}$"):
        store.appointments(**{name: wrong})


@pytest.mark.parametrize("wrong", [1, pd.NaT, float("nan"), "soon", [], "2025-01-01T12:00:00"])
def test_as_of_is_a_day_or_an_instant(store: avon.Store, wrong: Any) -> None:
    with pytest.raises(UsageError, match="as_of: give a date such as"):
        store.appointments(as_of=wrong)
    with pytest.raises(UsageError, match="as_of: give a date such as"):
        store.explain("appt_1", as_of=wrong)


def test_the_end_of_the_calendar_is_named_as_such(store: avon.Store) -> None:
    with pytest.raises(UsageError, match="outside the years 1 to 9999"):
        store.appointments(as_of="9999-12-31")
    ended = store.appointments(end="2030-01-01").outcomes()
    never = store.appointments(end="9999-12-31").outcomes()
    assert never["is_mature"].tolist() == [False]
    same = [name for name in ended if name != "is_mature"]
    pd.testing.assert_frame_equal(never[same], ended[same])


def test_who_asks_wrongly_is_told_what_was_expected(db: Path) -> None:
    store: Any = avon.open(db)  # as is what a type checker would refuse
    cohort = store.appointments()
    export: Any = avon.export
    asked: tuple[tuple[Callable[[], Any], str], ...] = (
        (lambda: store.explain(None), "explain: name an appointment by its id"),
        (lambda: store.forget(None), "name a person by an id"),
        (lambda: store.forget("{x"), "name a person by an id"),
        (lambda: store.forget("Ada Testwell"), "a name or an address is none"),
        (lambda: store.forget("ada@example.com"), "a name or an address is none"),
        (lambda: store.custom_fields("patients"), "unknown kind of object 'patients'"),
        (lambda: cohort.compare(None), "compare: expected a cohort"),
        (
            lambda: store.appointments(where="host=x"),
            "where: expected a dict, such as {'weekday': 'Monday'}",
        ),
        (lambda: store.appointments(status_words=["dna"]), "status_words: expected a dict"),
        (lambda: store.appointments(status_words={1: "no_show"}), "status_words: expected texts"),
        (lambda: store.load(__file__, secrets=["x"]), "secrets: expected a text, a dict of texts"),
        (lambda: store.load(__file__, secrets={"a": None}), "the secret named 'a' is no text"),
        (lambda: store.load(__file__, secrets={"a": 5}), "the secret named 'a' is no text"),
        (lambda: export(pd.Series([1]), "x.csv"), "export: expected a DataFrame"),
        (lambda: cohort.outcomes(basis=pd.Series(["Zebediah"])), "^basis: expected a text. Ch"),
        (lambda: cohort.outcomes(by=1), "by: expected a name or a list of names"),
        (lambda: store.report(by=pd.NA), "by: expected the name of a grouping"),
        (lambda: cohort.slots(pd.NA), "where: expected a dict"),
        (lambda: cohort.slots(pd.DataFrame()), "where: expected a dict"),
        (
            lambda: store.load(__file__, secrets="half \ud800"),
            "the secret named 'default' is no text",
        ),
        (lambda: avon.open(":memory:", memory_limit="\ud800").tables(), "memory_limit a size"),
    )
    for ask, told in asked:
        with pytest.raises(UsageError, match=told):
            ask()


@pytest.mark.parametrize("value", [10**5_000, "7" * 5_000], ids=["number", "text"])
def test_a_number_of_thousands_of_digits_ends_in_a_sentence(store: avon.Store, value: Any) -> None:
    for where in ({"hour": value}, {value: 1}):
        with pytest.raises(AvonError):
            store.appointments(where=where)
    visits = store.appointments()
    figure = visits.outcomes()
    with pytest.raises(AvonError):
        visits.behind(figure, figure.index[0], value)
    for setting in ("time_zone", "threads", "memory_limit"):
        with pytest.raises(AvonError):
            avon.open(store.path, **{setting: value})
