"""Summary, caveats and tables on small figures worked out by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from avon_analytics.figures.dates import window_in_words
from avon_analytics.intake.read.codes import CODES, MEANINGS, SIGNATURE_WORDS
from avon_analytics.intake.read.verify import WORDS
from avon_analytics.report.page.caveats import caveats
from avon_analytics.report.page.content import ReportContent
from avon_analytics.report.page.provenance import (
    combined_digest,
    drift_in_words,
    explained,
    listing,
)
from avon_analytics.report.page.render import patients, render, zones
from avon_analytics.report.page.summary import summary
from avon_analytics.report.page.tables import NEWEST, lead_times
from avon_analytics.report.page.what_changed import what_changed, who_stands_out
from avon_analytics.report.tables.rows import newest_rows, summed
from avon_analytics.report.words.dates import Clock, month
from avon_analytics.report.words.numbers import count, percent
from avon_analytics.report.words.periods import before, label, periods_between, short_label, span
from avon_analytics.report.words.text import plain, told_apart
from tests.frames import column_names

if TYPE_CHECKING:
    from tests.report.conftest import MadeUp


def topics(content: ReportContent) -> list[str]:
    return [caveat.topic for caveat in caveats(content)]


def test_summary_tells_of_the_last_complete_month(clinic: MadeUp) -> None:
    told = summary(clinic.content(14))
    assert told.period == "Feb 2026, the last complete month"
    # The 13th month: 279 attended, 45 no-shows, 58 cancelled, 20 rescheduled, 4 unresolved.
    due, attended, no_show, *_ = told.headlines
    assert due.value == "406"
    assert (attended.value, no_show.value) == ("72.3\u00a0%", "13.9\u00a0%")
    assert no_show.behind.startswith("of 324, ")
    findings = dict(told.findings)
    assert "45 of 324 slots attended or missed" in findings["No-shows"]
    assert findings["Slots due"] == (
        "Of 406 slots that came due: 279 attended, 45 no-shows, 58 cancelled and 20 rescheduled, "
        "with 4 unresolved, never closed in Avon."
    )
    assert "Patients cancelled 29, providers or staff 14;" in findings["Who, and how late"]


def test_summary_without_a_complete_month_tells_of_the_whole(clinic: MadeUp) -> None:
    told = summary(clinic.content(1))
    assert told.period == "The whole period, as no month is complete"
    assert told.headlines[0].value == "362"


def test_summary_of_nothing(clinic: MadeUp) -> None:
    assert summary(clinic.content(0)).headlines == []


def test_caveats_are_those_that_apply(clinic: MadeUp) -> None:
    assert topics(clinic.content(14)) == [
        "Lines in quarantine",
        "Months that are not complete",
        "Who cancelled is not always known",
        "Stages that are inferred",
        "Fields not known to this version",
        "Before this page leaves the clinic",
    ]
    assert topics(replace(clinic.content(0), provenance=clinic.provenance(0)))[0] == "No slots"
    (one,) = [one.text for one in caveats(clinic.content(14)) if "Months" in one.topic]
    assert one.startswith("Mar 2026 is not complete")
    assert one.endswith("The summary leaves it out.")
    (one,) = [one.text for one in caveats(clinic.content(1)) if "Months" in one.topic]
    assert one.endswith("The summary is of the whole period, this included.")


def test_of_an_instant_before_the_archive_it_is_said_when_that_begins(clinic: MadeUp) -> None:
    content = clinic.content(0)
    early = replace(content, coverage=replace(content.coverage, last_occurred_at=None))
    (told,) = [one.text for one in caveats(early) if one.topic == "No slots"]
    assert re.fullmatch(r"Nothing had occurred by then: the archive begins \d+ \w+ \d{4}\.", told)
    assert re.search(r"<dt>Events</dt>\s*<dd>none</dd>", render(early))


def test_without_a_caveat_the_page_says_so_of_its_own_periods(
    clinic: MadeUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avon_analytics.report.page.render.caveats", lambda _: [])
    weekly = replace(clinic.content(3), every="week")
    for brief in (False, True):
        assert "None applies" in render(weekly, brief=brief)
        assert "every week is complete" in render(weekly, brief=brief)


def test_caveats_about_the_archive(clinic: MadeUp) -> None:
    content = clinic.content(14)
    first = content.coverage.first_start_at
    assert first is not None
    early = first - timedelta(days=90)
    late = replace(
        content,
        coverage=replace(
            content.coverage,
            first_start_at=early,
            last_occurred_at=content.as_of + timedelta(hours=1),
        ),
        provenance=replace(
            content.provenance,
            lines=1,
            events_by_signature=pd.DataFrame(
                {"signature": ["verified", "unsigned"], "n_events": [2700, 12]}
            ),
        ),
    )
    assert {
        "The receipt does not add up",
        "Unverified events",
        "The archive begins after its first slots",
        "Later events are left out",
    } <= set(topics(late))
    quiet = replace(content.coverage, last_occurred_at=content.as_of - timedelta(days=8))
    assert "A quiet end" in topics(replace(content, coverage=quiet))


def test_caveats_about_thin_figures(clinic: MadeUp) -> None:
    content = clinic.content(2)
    months = pd.DataFrame(
        [
            clinic.outcome_row(0, 0, 4, 0, 0, 0, period_on=date(2026, 1, 1)),
            clinic.outcome_row(9, 2, 4, 0, 3, 0, period_on=date(2026, 2, 1)),
        ]
    )
    total = pd.DataFrame([clinic.outcome_row(9, 2, 8, 0, 3, 0)])
    figures = replace(content.figures, outcomes=total, outcomes_by_period=months)
    thin = topics(replace(content, figures=figures))
    assert {"Months without a no-show share", "Small numbers", "Unresolved slots"} <= set(thin)


def test_unresolved_slots_bound_the_no_show_share(clinic: MadeUp) -> None:
    row = clinic.outcome_row(9, 2, 8, 0, 3, 0) | {
        "no_show_share_if_all_unresolved_attended": 2 / 14,
        "no_show_share_if_all_unresolved_missed": 5 / 14,
    }
    content = clinic.content(2)
    figures = replace(content.figures, outcomes=pd.DataFrame([row]))
    (told,) = [
        caveat.text
        for caveat in caveats(replace(content, figures=figures))
        if caveat.topic == "Unresolved slots"
    ]
    assert "3 of 22 slots due" in told
    assert "the no-show share would be 14.3\u00a0%; had all been missed, 35.7\u00a0%" in told


def test_missing_figures_are_dashes_not_zeros_or_errors(clinic: MadeUp) -> None:
    """What ``min_count`` blanks, whatever the kind of missing."""
    content = clinic.content(2)

    def blanked(frame: pd.DataFrame) -> pd.DataFrame:
        numbers = [n for n in column_names(frame) if n.startswith("n_") or "share" in n]
        return frame.astype(dict.fromkeys(numbers, "float64")).assign(
            **dict.fromkeys(numbers, np.nan)
        )

    names = ["outcomes", "outcomes_by_period", "funnel", "cancellations", "cancellations_by_period"]
    blank: dict[str, Any] = {name: blanked(getattr(content.figures, name)) for name in names}
    figures = replace(content.figures, **blank)
    html = render(replace(content, figures=figures))
    assert not re.search(r"\b(nan|NaN|NaT|None|NA)\b(?! applies)", html)
    assert "<td>–</td>" in html
    nullable = content.figures.outcomes_by_period.convert_dtypes()
    nullable.loc[0, "n_no_show"] = pd.NA
    render(replace(content, figures=replace(content.figures, outcomes_by_period=nullable)))


def charted(clinic: MadeUp, **signals: Any) -> tuple[pd.DataFrame, ReportContent]:
    """The content with a chart of fourteen months of no-shows; ``signals`` are given by month."""
    months = pd.to_datetime(clinic.months_back(15)[:14])
    rows = pd.DataFrame({"period_on": months, "n": 100, "count": 20, "share": 0.2})
    rows = rows.assign(center=0.2, lower=0.08, upper=0.32, is_in_baseline=True)
    for name in ("signal", "rule", "meaning"):
        rows[name] = [signals.get(f"m{nth}", {}).get(name) for nth in range(14)]
    rows["share"] = [signals.get(f"m{nth}", {}).get("share", 0.2) for nth in range(14)]
    rows.attrs |= {"expected_false_alarms": {"rows": 0.25, "groups": 0.2}, "messages": []}
    content = clinic.content(14)
    return rows, replace(content, figures=replace(content.figures, signals={"no_show_share": rows}))


def test_what_did_not_change_is_called_chance(clinic: MadeUp) -> None:
    _, content = charted(clinic)
    assert summary(content).verdict == (
        "No share strayed from its usual range by more than chance brings."
    )
    (told,) = what_changed(content)
    assert told.topic == "No-show share"
    assert told.text == (
        "Usual is 20.0\u00a0%, over 14 complete months. No month stands out: what differs between "
        "them is what chance brings."
    )
    assert not told.is_signal


def test_what_changed_is_told_with_its_rule_and_what_chance_would_bring(
    clinic: MadeUp,
) -> None:
    high = {"signal": "higher", "rule": "shift", "meaning": "concern", "share": 0.29}
    _, content = charted(clinic, m2=high, m5=high, m12=high, m13=high)
    verdict_of = summary(content).verdict
    assert verdict_of == "More than chance is seen in: no-show share (see What changed)."
    (told,) = what_changed(content)
    assert "4 months stand out, where chance alone would bring 0.25: Feb 2026, higher" in told.text
    assert "Feb 2026, higher at 29.0\u00a0% of 100 (shift), a concern" in told.text
    assert told.text.endswith("and 1 before.")
    assert "What changed" in render(content)
    (one,) = what_changed(charted(clinic, m13={**high, "meaning": "improvement"})[1])
    assert "1 month stands out" in one.text
    assert "an improvement" in one.text
    # Of two shares that read alike none is said to be lower than the other.
    (hardly,) = what_changed(charted(clinic, m13={**high, "signal": "lower", "share": 0.1998})[1])
    assert "Usual is 20.0\u00a0%" in hardly.text
    assert "a little lower at 20.0\u00a0% of 100" in hardly.text


def test_where_too_little_is_known_nothing_is_called_chance(clinic: MadeUp) -> None:
    rows, content = charted(clinic)
    rows.attrs["messages"] = ["a stretch of 3 complete periods is too short for the rules"]
    assert summary(content).verdict == "There is too little yet to tell change from chance."
    (told,) = what_changed(content)
    assert "Nothing is tested: a stretch of 3" in told.text
    assert summary(clinic.content(14)).verdict == ""
    assert what_changed(clinic.content(14)) == []
    assert "What changed" not in render(clinic.content(14))


def test_who_stands_out_beside_what_chance_would_bring() -> None:
    rows = pd.DataFrame({"host": ["a", "b"], "n": [100, 300], "count": [40, 60]})
    rows = rows.assign(share=[0.4, 0.2], center=[0.2, 0.4], p_value=0.0005, q_value=0.001)
    rows["signal"] = ["higher", None]
    rows.attrs |= {"share": "no_show_share", "expected_false_alarms": {"groups": 0.018}}
    told = who_stands_out(rows)
    assert told.startswith(
        "No-show share: of 2 hosts, each beside all the others together, 1 stands"
    )
    assert "where chance alone would bring 0.018: a, higher at 40.0\u00a0% of 100" in told
    assert "case mix is not removed" in told
    none = who_stands_out(rows.assign(signal=None))
    assert none.endswith("none stands out by more than chance brings.")
    assert who_stands_out(None) == who_stands_out(rows[:0]) == ""
    assert who_stands_out(rows.assign(p_value=None, signal=None)) == ""  # one, or none attended
    bands = rows.rename(columns={"host": "lead_band"})
    bands.attrs |= {"by": ["lead_band"]}
    assert "of 2 groups, each beside" in who_stands_out(bands)


def test_summed_rows_divide_sums() -> None:
    rows: list[Mapping[str, Any]] = [
        {"n_no_show": 1, "no_show_share": 0.5, "no_show_share_n": 2, "no_show_share_low": 0.1},
        {"n_no_show": 3, "no_show_share": 0.5, "no_show_share_n": 6, "no_show_share_low": 0.2},
    ]
    rows[0] = {**rows[0], "n_slots": 4, "n_late": None, "median_notice_hours": 3.0}
    rows[1] = {**rows[1], "n_slots": 9, "n_late": 1, "median_notice_hours": 5.0}
    result = summed(rows)
    assert (result["no_show_share"], result["no_show_share_n"], result["n_slots"]) == (0.5, 8, 13)
    assert result["n_late"] is None
    assert "no_show_share_low" not in result
    assert "median_notice_hours" not in result


@pytest.mark.parametrize(
    ("every", "on", "earlier", "year_ago", "words", "brief"),
    [
        ("day", (2025, 3, 1), (2025, 2, 28), (2024, 3, 2), "1 Mar 2025", "1 Mar"),
        ("week", (2025, 3, 3), (2025, 2, 24), (2024, 3, 4), "3 Mar 2025", "3 Mar"),
        ("month", (2025, 1, 1), (2024, 12, 1), (2024, 1, 1), "Jan 2025", "Jan"),
        ("quarter", (2025, 1, 1), (2024, 10, 1), (2024, 1, 1), "Q1 2025", "Q1"),
        ("year", (2025, 1, 1), (2024, 1, 1), (2024, 1, 1), "2025", "2025"),
    ],
)
def test_periods_have_neighbours_and_names(
    every: str,
    on: tuple[int, int, int],
    earlier: tuple[int, int, int],
    year_ago: tuple[int, int, int],
    words: str,
    brief: str,
) -> None:
    here = date(*on)
    n_in_a_year = {"day": 364, "week": 52, "month": 12, "quarter": 4, "year": 1}
    assert before(here, every) == date(*earlier)
    assert before(date(*earlier), every, -1) == here
    assert before(here, every, n_in_a_year[every]) == date(*year_ago)
    assert periods_between(date(*earlier), here, every) == [date(*earlier), here]
    assert (label(here, every), short_label(here, every)) == (words, brief)


def test_a_span_names_its_ends() -> None:
    assert span([date(2025, 1, 1), date(2024, 11, 1)], "month") == "Nov 2024 to Jan 2025"
    assert span([date(2025, 1, 1)], "quarter") == "Q1 2025"
    assert label(None) == "not known"


def test_a_start_mistyped_by_a_century_does_not_stretch_an_axis() -> None:
    three = periods_between(date(2024, 11, 1), date(2025, 1, 1), "month")
    assert three == [date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)]
    months = pd.DataFrame(
        {"period_on": [date(1925, 3, 1), date(2025, 3, 1), date(2099, 3, 1)]}
    ).assign(is_mature=[True, True, False])
    assert [row["period_on"].year for row in newest_rows(months, 12)] == [2025]


def test_the_digest_needs_no_order() -> None:
    files = pd.DataFrame({"sha256": ["bb", "aa"], "file": ["x", "y"]})
    assert combined_digest(files) == combined_digest(files[::-1])
    assert combined_digest(files.head(0)) == ""


def test_lists_are_bounded_and_explained() -> None:
    codes = pd.DataFrame({"code": ["not_json", "new_code"], "n_lines": [3, 1]})
    table = explained(codes, "Reasons", "code", "n_lines")
    shown = [(line.name, *(cell.text for cell in line.cells)) for line in table.lines]
    assert shown == [("Not JSON", "not_json", "3"), ("New_code", "new_code", "1")]
    many = pd.DataFrame({"secret": [f"s{i}" for i in range(50)], "n_events": range(50)})
    table = listing(many, "Secrets", {"secret": "text", "n_events": "count"})
    assert len(table.lines) == 31
    assert table.lines[-1].name == "and 20 more"
    assert table.lines[-1].cells[0].text == "190"  # 0 + 1 + … + 19


def test_words() -> None:
    assert count(1234567) == "1,234,567"
    assert count(pd.NA) == count(None) == count(float("nan")) == "–"
    assert percent(0.12345) == "12.3\u00a0%"
    assert month(pd.Timestamp("2025-03-01")) == month(date(2025, 3, 1)) == "Mar 2025"
    assert plain("a" * 100, 10) == "aaaaaaaaa…"
    assert plain(9.0) == "9"
    assert plain(np.True_) == "yes"
    assert plain("Zoë\u202e\x1b[31m  Ω") == "Zoë [31m Ω"


def test_instants_are_local_and_utc() -> None:
    clock = Clock("Pacific/Auckland")
    at = datetime(2025, 3, 31, 12, 0, tzinfo=UTC)
    assert clock.instant(at) == "1 Apr 2025, 01:00 NZDT (31 Mar 2025, 12:00 UTC)"
    assert Clock("UTC").instant(at) == "31 Mar 2025, 12:00 UTC"
    assert clock.day(None) == "–"
    assert clock.span(at, at) == "1 Apr 2025"
    assert Clock("UTC").span(at, datetime(2025, 4, 1, tzinfo=UTC)) == "31 Mar 2025 to 1 Apr 2025"
    assert clock.span(None, None) == "none"


def test_every_code_and_signature_word_has_a_meaning() -> None:
    assert set(MEANINGS) == {*CODES, *SIGNATURE_WORDS, *WORDS}
    # Beside a code and seven digits a receipt has 80 columns.
    assert max(len(MEANINGS[code]) for code in CODES) <= 80 - len(
        "    signature_mismatch  1,234,567  "
    )


def test_what_the_contract_does_not_know_is_said_in_words() -> None:
    drift = pd.DataFrame(
        {"kind": ["object_type", "event", "field"], "json_type": ["OBJECT", None, "UBIGINT"]}
    )
    assert drift_in_words(drift).to_dict("list") == {
        "kind": ["object type", "event", "field"],
        "json_type": ["object", "–", "number"],
    }


def test_zones_are_those_of_the_visits() -> None:
    assert zones((), "UTC") == "UTC"
    assert zones(("America/New_York",), "UTC") == "America/New_York"
    several = ("America/New_York", "America/Chicago", "America/Denver")
    assert zones(several[:2], "UTC") == "America/New_York for most visits, and 1 other"
    assert zones(several, "UTC") == "America/New_York for most visits, and 2 others"


def test_patients_that_nobody_names_are_not_zero() -> None:
    told = [patients(*ns) for ns in [(0, 5), (0, 0), (3, 5), (None, 5)]]
    assert told == ["none named", "0", "3", "–"]


@pytest.mark.parametrize(
    ("n", "note", "last"),
    [
        (NEWEST, "", "All"),
        (NEWEST + 1, "The newest 36 months are shown; 1 older month is left out.", "Mar 2026"),
        (NEWEST + 2, "The newest 36 months are shown; 2 older months are left out.", "Mar 2026"),
    ],
)
def test_older_months_of_booking_are_left_out_with_the_row_of_all(
    n: int, note: str, last: str
) -> None:
    row = {"n_appointments": 2, "n_with_lead": 2, "median_lead_days": 5.0, "p90_lead_days": 9.0}
    row |= {"is_mature": True, "is_whole": True}
    months = [before(date(2026, 3, 1), "month", back) for back in range(n)]
    told = lead_times(
        pd.DataFrame([{"period_on": on, **row} for on in months]), pd.DataFrame([row]), "month"
    )
    assert told is not None
    assert (told.note, told.lines[-1].name) == (note, last)
    assert len(told.lines) == NEWEST + (last == "All")


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (None, None, "all dates"),
        ("2025-01-01", None, "from 1 Jan 2025"),
        (None, "2025-01-01", "before 1 Jan 2025"),
        ("2025-10-01", "2025-11-01", "Oct 2025"),
        ("2025-07-01", "2025-10-01", "Jul to Sep 2025"),
        ("2024-11-01", "2025-03-01", "Nov 2024 to Feb 2025"),
        ("2025-01-01", "2026-01-01", "2025"),
        ("2023-01-01", "2026-01-01", "2023 to 2025"),
        ("2025-03-03", "2025-03-04", "3 Mar 2025"),
        ("2025-03-03", "2025-03-10", "3 to 9 Mar 2025"),
        ("2025-03-28", "2025-04-04", "28 Mar to 3 Apr 2025"),
        ("2024-12-28", "2025-01-04", "28 Dec 2024 to 3 Jan 2025"),
        ("2024-03-03", "2025-03-04", "3 Mar 2024 to 3 Mar 2025"),
    ],
)
def test_a_window_is_said_as_a_person_says_it(
    start: str | None, end: str | None, words: str
) -> None:
    first, last = (None if one is None else date.fromisoformat(one) for one in (start, end))
    assert window_in_words(first, last) == words


def test_names_cut_to_the_same_text_keep_what_tells_them_apart() -> None:
    assert told_apart(
        [
            "Ada Testwell",
            "Beatrix Testwell (…N1NR)",  # an ending that tells two of one name apart
            "Key of many words that ends in one",
            "Key of many words that ends in two",
        ],
        16,
    ) == ["Ada Testwell", "Beatrix… (…N1NR)", "Key of m… in one", "Key of m… in two"]
