"""Summary, caveats and tables on small figures worked out by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from avon_analytics.report import render
from avon_analytics.report.caveats import caveats
from avon_analytics.report.periods import A_YEAR_AGO, before, calendar, label, short, span
from avon_analytics.report.rows import summed, window
from avon_analytics.report.summary import change, summary
from avon_analytics.report.tables import combined_digest, explained, listing
from avon_analytics.report.wording import Clock, Share, count, month, percent, plain, points


def topics(content):
    return [caveat.topic for caveat in caveats(content)]


def test_change_is_newcombes_interval():
    # 56 of 70 against 48 of 80: Newcombe (1998), method 10, example (a): 0.0524 to 0.3339
    now = Share(56 / 70, 70, 0.6918, 0.8773)
    then = Share(48 / 80, 80, 0.4904, 0.7003)
    known = change(now, then, "May 2025")
    assert known.difference == pytest.approx(0.2)
    assert known.low == pytest.approx(0.0524, abs=5e-4)
    assert known.high == pytest.approx(0.3339, abs=5e-4)
    assert known.verdict == "interval +5.2 to +33.4: a clear rise"


def test_a_change_that_may_be_chance_is_called_no_clear_change():
    known = change(Share(0.12, 100, 0.07, 0.2), Share(0.1, 100, 0.06, 0.17), "May 2025")
    assert known.short == "+2.0 pts on May 2025"
    assert known.verdict.endswith("no clear change")


def test_no_change_without_a_share():
    assert change(Share(None, 0, None, None), Share(0.1, 9, 0, 1), "May 2025") is None


def test_summary_tells_of_the_last_complete_month(clinic):
    told = summary(clinic.content(14))
    assert told.period == "Feb 2026, the last complete month"
    # The 13th month: 279 attended, 45 no-shows, 58 cancelled, 20 rescheduled, 4 unresolved.
    due, attended, no_show, *_ = told.headlines
    assert due.value == "406"
    assert due.changes == ("+9 on Jan 2026", "+44 on Feb 2025")
    assert (attended.value, no_show.value) == ("72.3\u00a0%", "13.9\u00a0%")
    assert no_show.behind.startswith("of 324, ")
    assert [text[-11:] for text in no_show.changes] == ["on Jan 2026", "on Feb 2025"]
    findings = dict(told.findings)
    assert "45 of 324 slots attended or missed" in findings["No-shows"]
    assert "29 were cancelled by patients" in findings["Who, and how late"]


def test_last_year_is_compared_only_where_it_is_complete(clinic):
    assert [len(each.changes) for each in summary(clinic.content(3)).headlines] == [1] * 5


def test_summary_without_a_complete_month_tells_of_the_whole(clinic):
    told = summary(clinic.content(1))
    assert told.period == "The whole period, as no month is complete"
    assert told.headlines[0].value == "362"
    assert told.headlines[0].changes == ()


def test_summary_of_nothing(clinic):
    assert summary(clinic.content(0)).headlines == []


def test_caveats_are_those_that_apply(clinic):
    assert topics(clinic.content(14)) == [
        "Lines in quarantine",
        "Months that are not complete",
        "Who cancelled is not always known",
        "Stages that are inferred",
        "Fields not known to this version",
        "Before this page leaves the clinic",
    ]
    assert topics(replace(clinic.content(0), provenance=clinic.provenance(0)))[0] == "No slots"


def test_caveats_about_the_archive(clinic):
    content = clinic.content(14)
    early = content.coverage.first_start_at - timedelta(days=90)
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


def test_caveats_about_thin_figures(clinic):
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


def test_unresolved_slots_bound_the_no_show_share(clinic):
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


def test_missing_figures_are_dashes_not_zeros_or_errors(clinic):
    """What ``min_count`` blanks, whatever the kind of missing."""
    content = clinic.content(2)

    def blanked(frame):
        return frame.astype(
            {name: "float64" for name in frame if name.startswith("n_") or "share" in name}
        ).assign(**{name: np.nan for name in frame if name.startswith("n_") or "share" in name})

    names = ["outcomes", "outcomes_by_period", "funnel", "cancellations", "cancellations_by_period"]
    figures = replace(
        content.figures, **{name: blanked(getattr(content.figures, name)) for name in names}
    )
    html = render(replace(content, figures=figures))
    assert not re.search(r"\b(nan|NaN|NaT|None|NA)\b(?! applies)", html)
    assert "<td>–</td>" in html
    nullable = content.figures.outcomes_by_period.convert_dtypes()
    nullable.loc[0, "n_no_show"] = pd.NA
    render(replace(content, figures=replace(content.figures, outcomes_by_period=nullable)))


def test_the_verdict_names_clear_changes_alone(clinic):
    told = summary(clinic.content(14))
    assert told.verdict.startswith("No share changed clearly against Jan 2026 and Feb 2025")
    months = clinic.months_back(3)[:2]
    figures = clinic.figures(2)
    rows = [
        clinic.outcome_row(400, 100, 10, 0, 0, 0, period_on=months[0]),
        clinic.outcome_row(450, 50, 10, 0, 0, 0, period_on=months[1]),
    ]
    content = replace(
        clinic.content(2), figures=replace(figures, outcomes_by_period=clinic.frame(rows, rows[0]))
    )
    verdict = summary(content).verdict
    # 100 of 500, then 50 of 500: down ten points; attended up by 50 of 510, 9.8 points.
    assert "no-show down 10.0 points on Jan 2026" in verdict
    assert "attended up 9.8 points on Jan 2026" in verdict
    assert "cancelled" not in verdict
    assert summary(clinic.content(2)).verdict == (
        "There is no earlier complete month next to it to compare with."
    )


def test_summed_rows_divide_sums():
    rows = [
        {"n_no_show": 1, "s": 0.5, "s_n": 2, "s_low": 0.1, "n_slots": 4, "n_late": None},
        {"n_no_show": 3, "s": 0.5, "s_n": 6, "s_low": 0.2, "n_slots": 9, "n_late": 1},
    ]
    result = summed(rows, {"s": "n_no_show"})
    assert (result["s"], result["s_n"], result["n_slots"]) == (0.5, 8, 13)
    assert result["n_late"] is None
    assert "s_low" not in result


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
def test_periods_have_neighbours_and_names(every, on, earlier, year_ago, words, brief):
    on = date(*on)
    assert before(on, every) == date(*earlier)
    assert before(date(*earlier), every, -1) == on
    assert before(on, every, A_YEAR_AGO[every]) == date(*year_ago)
    assert calendar(date(*earlier), on, every) == [date(*earlier), on]
    assert (label(on, every), short(on, every)) == (words, brief)


def test_a_span_names_its_ends():
    assert span([date(2025, 1, 1), date(2024, 11, 1)], "month") == "Nov 2024 to Jan 2025"
    assert span([date(2025, 1, 1)], "quarter") == "Q1 2025"
    assert label(None) == "not known"


def test_a_start_mistyped_by_a_century_does_not_stretch_an_axis():
    three = calendar(date(2024, 11, 1), date(2025, 1, 1), "month")
    assert three == [date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)]
    months = pd.DataFrame(
        {"period_on": [date(1925, 3, 1), date(2025, 3, 1), date(2099, 3, 1)]}
    ).assign(is_mature=[True, True, False])
    assert [row["period_on"].year for row in window(months, 12)] == [2025]


def test_the_digest_needs_no_order():
    files = pd.DataFrame({"sha256": ["bb", "aa"], "file": ["x", "y"]})
    assert combined_digest(files) == combined_digest(files[::-1])
    assert combined_digest(files.head(0)) == ""


def test_lists_are_bounded_and_explained():
    codes = pd.DataFrame({"code": ["not_json", "new_code"], "n_lines": [3, 1]})
    table = explained(codes, "Reasons", "code", "n_lines")
    assert [cell.text for cell in table.lines[0].cells] == ["not JSON", "3"]
    assert [cell.text for cell in table.lines[1].cells] == ["", "1"]
    many = pd.DataFrame({"secret": [f"s{i}" for i in range(50)], "n_events": range(50)})
    table = listing(many, "Secrets", {"secret": "text", "n_events": "count"})
    assert len(table.lines) == 31
    assert table.lines[-1].name == "and 20 more"
    assert table.lines[-1].cells[0].text == "190"  # 0 + 1 + … + 19


def test_words():
    assert count(1234567) == "1,234,567"
    assert count(pd.NA) == count(None) == count(float("nan")) == "–"
    assert percent(0.12345) == "12.3\u00a0%"
    assert points(-0.012) == "−1.2"
    assert points(0.00001) == "0.0"
    assert month(pd.Timestamp("2025-03-01")) == month(date(2025, 3, 1)) == "Mar 2025"
    assert plain("a" * 100, 10) == "aaaaaaaaa…"
    assert plain(9.0) == "9"
    assert plain(np.True_) == "yes"
    assert plain("Zoë\u202e\x1b[31m  Ω") == "Zoë [31m Ω"


def test_instants_are_local_and_utc():
    clock = Clock("Pacific/Auckland")
    at = datetime(2025, 3, 31, 12, 0, tzinfo=UTC)
    assert clock.instant(at) == "1 Apr 2025, 01:00 NZDT (31 Mar 2025, 12:00 UTC)"
    assert Clock("UTC").instant(at) == "31 Mar 2025, 12:00 UTC"
    assert clock.day(None) == "–"
