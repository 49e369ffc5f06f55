"""A figure as its readers know it: names in place of ids."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.report import plot
from avon_analytics.report.html.show import show
from avon_analytics.report.page.tables import outcomes_by_group
from avon_analytics.report.tables.names import named, shortened_ids
from avon_analytics.report.terminal.table import table

if TYPE_CHECKING:
    from tests.report.conftest import MadeUp

ADA, BO, CY = (f"user_{letter * 24}{n}xyz" for n, letter in enumerate("abc"))


def by_host(clinic: MadeUp) -> pd.DataFrame:
    rows = clinic.by_host([ADA, BO, None])
    rows.insert(1, "host_name", ["Ada Testwell", None, None])
    return rows


def test_names_stand_in_place_of_ids_and_the_frame_stays_as_it_was(clinic: MadeUp) -> None:
    frame = by_host(clinic)
    shown = named(frame)
    assert list(shown["host"].dropna()) == ["Ada Testwell", "user_…1xyz"]
    assert "host_name" not in shown
    assert list(frame["host"].dropna()) == [ADA, BO]


def test_long_names_that_end_differently_are_told_apart(clinic: MadeUp) -> None:
    ends = ("30 min", "60 min", "90 min")
    figure = clinic.by_host([f"{'A very long name of a visit, ' * 9}{end}" for end in ends])
    figure.attrs |= {"figure": "outcomes", "by": ["host"]}
    in_page = outcomes_by_group(figure, figure.head(0))
    assert in_page is not None
    svg = str(plot.share(figure)._repr_mimebundle_())
    in_notebook = avon.show(figure)
    for end, line in zip(ends, in_page.lines, strict=True):
        assert line.name.endswith(end)
        assert f"visit, {end}<" in svg
        assert f"visit, {end}<" in in_notebook._repr_html_()
        assert f"visit, {end} " in str(in_notebook)


def test_groups_are_in_the_order_of_their_names_unless_somebody_ordered_them() -> None:
    hosts = {"user_1": "bo Lee", "user_2": None, "user_3": "Zoë Ost", "user_4": "Zoe Ast"}
    hosts |= {"user_5": "Ann Bell"}
    rows = [
        {"weekday": day, "host": host, "host_name": hosts.get(host or ""), "n_slots": nth}
        for nth, day in enumerate(("Monday", "Tuesday"))
        for host in [*hosts, None]
    ]
    frame = pd.DataFrame(rows)
    frame.attrs["by"] = ["weekday", "host"]
    called = ["Ann Bell", "bo Lee", "Zoe Ast", "Zoë Ost", "user_2", None]

    def shown(given: pd.DataFrame) -> list[tuple[str, Any]]:
        read = named(given)
        hosts = read["host"].astype(object).where(read["host"].notna(), None)
        return list(zip(read["weekday"], hosts, strict=True))

    assert shown(frame) == [(day, one) for day in ("Monday", "Tuesday") for one in called]
    alone = frame[frame.weekday == "Monday"].drop(columns="weekday")
    assert list(named(alone)["host"])[:5] == called[:5]
    own = frame.sort_values(["n_slots", "host_name"], ascending=[False, True])
    assert [day for day, _ in shown(own)] == ["Tuesday"] * 6 + ["Monday"] * 6
    own = frame.iloc[[1, 0, 5, 3]]
    assert [host for _, host in shown(own)] == ["user_2", "bo Lee", None, "Zoe Ast"]


def test_a_custom_field_is_headed_by_its_label_and_two_of_one_label_stay_two(
    clinic: MadeUp,
) -> None:
    frame = by_host(clinic).rename(
        columns={"host": "custom:cfld_1111", "host_name": "custom:cfld_1111_name"}
    )
    frame.attrs["headings"] = {"custom:cfld_1111": "Insurance"}
    assert next(iter(named(frame))) == "custom:Insurance"
    frame.insert(2, "custom:cfld_2222", "x")
    frame.attrs["headings"] |= {"custom:cfld_2222": "Insurance"}
    assert list(named(frame))[:2] == ["custom:Insurance (…1111)", "custom:Insurance (…2222)"]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([ADA, BO], ["user_…0xyz", "user_…1xyz"]),
        (["aptp_FollowUpAAAAAAA", "aptp_GroupAAAAAAAAAA"], ["aptp_Foll…", "aptp_Grou…"]),
        (["a word", "user_1"], []),  # what is short stays whole
    ],
)
def test_an_id_is_cut_to_what_tells_it_apart(ids: list[str], expected: list[str]) -> None:
    assert list(shortened_ids(ids).values()) == expected


def test_terminal_and_charts_show_names(clinic: MadeUp) -> None:
    from rich.console import Console

    frame = by_host(clinic)
    text = StringIO()
    Console(file=text, width=200).print(table(frame, width=200))
    chart = str(plot.share(frame)._repr_mimebundle_())
    for told in (text.getvalue(), chart):
        assert "Ada Testwell" in told
        assert "user_…1xyz" in told
        assert ADA not in told
        assert "host_name" not in told


def test_a_label_of_a_field_stays_as_it_is_written(clinic: MadeUp) -> None:
    field = "custom:cfld_Plan"
    rows = [clinic.outcome_row(*(8, 2, 0, 0, 0, 0), **{field: plan}) for plan in ("a", "b")]
    frame = clinic.frame(rows, rows[0])
    frame.attrs |= {"figure": "outcomes", "by": [field], "headings": {field: "HMO or not"}}
    assert "<caption><span>Outcomes by HMO or not</span>" in show(frame)._repr_html_()
    assert "slots by HMO or not" in plot.outcomes(frame).to_dict()["description"]
    frame.attrs.pop("headings")
    assert "<caption><span>Outcomes by cfld_Plan</span>" in show(frame)._repr_html_()
