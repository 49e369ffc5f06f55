"""Charts for notebooks: each says what it shows, shows itself, and takes what comes."""

from __future__ import annotations

import base64
import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import altair
import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.errors import SharedSlots, UnknownGroup, UsageError
from avon_analytics.report.charts.palette import COLOURS

Shown = dict[str, str]


@pytest.fixture(scope="module")
def store(tiny: Any) -> Iterator[avon.Store]:
    """One store for all charts, held, so that it is opened and its slots computed once."""
    with avon.open(tiny.db) as opened, opened._database.reading():
        yield opened


@pytest.fixture(scope="module")
def visits(store: avon.Store) -> Any:
    return store.appointments()


def compared(visits: Any, *asked: Any, **options: Any) -> pd.DataFrame:
    """Visits compared with themselves: every difference is 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SharedSlots)
        return visits.compare(visits, *asked, **options)  # type: ignore[no-any-return]


FIGURES: dict[str, Callable[[Any], Any]] = {
    "outcomes by month": lambda v: avon.plot.outcomes(v.outcomes(every="month")),
    "outcomes by week": lambda v: avon.plot.outcomes(v.outcomes(every="week")),
    "outcomes by host": lambda v: avon.plot.outcomes(v.outcomes(by="host")),
    "outcomes, both": lambda v: avon.plot.outcomes(v.outcomes(by="host", every="quarter")),
    "share of all": lambda v: avon.plot.share(v.outcomes()),
    "share by quarter": lambda v: avon.plot.share(v.outcomes(every="quarter"), "cancelled_share"),
    "share by two": lambda v: avon.plot.share(v.outcomes(by=["host", "weekday"])),
    "share, both": lambda v: avon.plot.share(v.outcomes(by="host", every="year")),
    "late share": lambda v: avon.plot.share(v.cancellations(every="month"), "late_share"),
    "rebooked share": lambda v: avon.plot.share(v.rebooking(by="host")),
    "funnel": lambda v: avon.plot.funnel(v.funnel()),
    "funnel of slots": lambda v: avon.plot.funnel(v.funnel(by="host", unit="slot")),
    "cancellations": lambda v: avon.plot.cancellations(v.cancellations()),
    "by notice": lambda v: avon.plot.cancellations(v.cancellations(by="notice_band")),
    "by who": lambda v: avon.plot.cancellations(v.cancellations(by="cancelled_by")),
    "by both": lambda v: avon.plot.cancellations(v.cancellations(by=["reason", "cancelled_by"])),
    "cancellations by month": lambda v: avon.plot.cancellations(v.cancellations(every="month")),
    "incidence": lambda v: avon.plot.incidence(v.incidence()),
    "incidence by host": lambda v: avon.plot.incidence(v.incidence(by="host"), days=30),
    "week": lambda v: avon.plot.week(v.outcomes(by=["weekday", "hour"])),
    "lead times": lambda v: avon.plot.lead_times(v.lead_times(every="month")),
    "signals": lambda v: avon.plot.signals(
        v.signals(every="week", better="lower", baseline=("2025-01-01", "2025-04-01"))
    ),
    "signals by type": lambda v: avon.plot.signals(
        v.signals("cancelled_share", by="interaction_type", every="week")
    ),
    "outliers": lambda v: avon.plot.outliers(v.outliers()),
    "backtest": lambda v: avon.plot.expected(v.backtest(days_ahead=1), "attended"),
    "backtest by type": lambda v: avon.plot.expected(v.backtest("interaction_type")),
    "two cohorts": lambda v: avon.plot.compare(compared(v)),
    "two cohorts by host": lambda v: avon.plot.compare(compared(v, by="host")),
    "two cohorts, one share": lambda v: avon.plot.compare(
        compared(v, "cancellations", every="quarter"), "late_share"
    ),
    "lead times by host": lambda v: avon.plot.lead_times(v.lead_times(by="host")),
    "lead times by host and month": lambda v: avon.plot.lead_times(
        v.lead_times(by="host", every="month")
    ),
}


def shown(chart: Any) -> Shown:
    return chart._repr_mimebundle_()  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_with_its_words(name: str, visits: Any) -> None:
    bundle = shown(FIGURES[name](visits))
    root = ElementTree.fromstring(bundle["image/svg+xml"])
    assert root.get("role") == "img"
    assert root.get("aria-label") == bundle["text/plain"]
    assert "as of" in bundle["text/plain"]
    assert "nothing to draw" not in bundle["image/svg+xml"]
    assert "NaN" not in bundle["image/svg+xml"]
    assert "<script" not in bundle["image/svg+xml"]
    on_light, on_dark = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', bundle["text/html"])
    assert base64.b64decode(on_light).decode() == bundle["image/svg+xml"]
    # Where a notebook is not trusted no rule chooses between the two: the light one is left.
    assert bundle["text/html"].count("display:none") == 2
    dark = base64.b64decode(on_dark).decode()
    for light_colour, dark_colour in COLOURS.values():
        assert dark.count(dark_colour) >= bundle["image/svg+xml"].count(f'="{light_colour}"')


@pytest.mark.parametrize("name", FIGURES)
def test_without_a_slot_it_says_that_there_is_nothing(name: str, store: avon.Store) -> None:
    nobody = store.appointments(start="2199-01-01")
    svg = shown(FIGURES[name](nobody))["image/svg+xml"]
    assert "There is nothing to draw." in svg


@pytest.mark.parametrize("name", FIGURES)
def test_blank_counts_are_no_obstacle_and_are_told(name: str, store: avon.Store) -> None:
    bundle = shown(FIGURES[name](store.appointments(min_count=5)))
    assert bundle["text/html"]
    words = bundle["text/plain"]
    assert "counts from 1 to 4 are blank, and what would reveal them" in words


def test_a_chart_says_what_was_not_verified(visits: Any) -> None:
    months = visits.outcomes(every="month")
    assert "without a verified" not in shown(avon.plot.outcomes(months))["text/plain"]
    months.attrs["n_unverified_events"] = 12
    words = shown(avon.plot.outcomes(months))["text/plain"]
    assert "12 events behind it without a verified signature. as of" in words


def test_the_words_say_what_is_divided(visits: Any) -> None:
    words = shown(avon.plot.share(visits.outcomes(by="host"), "no_show_share"))["text/plain"]
    assert words.startswith("No-show share by host. no-shows ÷ slots attended or missed;")
    words = shown(avon.plot.share(visits.outcomes(by="host", basis="booked")))["text/plain"]
    assert "no-shows ÷ due slots that were not rescheduled" in words
    of_booked = (
        avon.plot.signals(visits.signals(every="month", basis="booked")),
        avon.plot.outliers(visits.outliers(by="host", basis="booked")),
    )
    for chart in of_booked:
        assert "no-shows ÷ due slots that were not rescheduled" in shown(chart)["text/plain"]
    words = shown(avon.plot.funnel(visits.funnel(unit="slot")))["text/plain"]
    assert "slots, due or not" in words


def test_a_comparison_draws_one_share_of_its_groups(visits: Any) -> None:
    by_host = compared(visits, by="host")
    assert shown(avon.plot.compare(by_host, "cancelled_share"))["text/plain"].startswith(
        "Cancelled share: this cohort and the other cohort by host. slots cancelled ÷ due slots"
    )
    drawn = avon.plot.compare(compared(visits)).to_dict()
    (data,) = [d for d in drawn["datasets"].values() if "key" in d[0]]
    assert [row["key"][4:] for row in data] == [
        "No-show share",
        "Attended share",
        "Cancelled share",
    ]
    assert [row["word"] for row in data] == ["may be chance"] * 3
    told = by_host.assign(difference=0.25, difference_low=0.1, difference_high=0.4, q_value=0.01)
    words = shown(avon.plot.compare(told))
    assert "from +25.0 to +25.0 points" in words["text/plain"]
    assert "q-value under 0.05" in words["image/svg+xml"]
    with pytest.raises(UnknownGroup, match="no_show_share, attended_share, cancelled_share"):
        avon.plot.compare(by_host, "late_share")
    with pytest.raises(UsageError, match=r"^a frame of compare is drawn by avon.plot.compare"):
        avon.plot.share(by_host, "share")
    with pytest.raises(UsageError, match=r"cohort.compare\(…\) returns"):
        avon.plot.compare(visits.outcomes())


def test_a_title_of_ones_own(visits: Any) -> None:
    chart = avon.plot.outcomes(visits.outcomes(every="month"), title="My <clinic> & co")
    bundle = shown(chart)
    assert "My &lt;clinic&gt; &amp; co" in bundle["image/svg+xml"]
    assert "<clinic>" not in bundle["text/html"]


def sixty(names: Callable[[int], str]) -> pd.DataFrame:
    rows = [
        {
            "host": names(i),
            "n_slots": 200 + i,
            "n_not_due": 0,
            "n_attended": 80 + i,
            "n_no_show": 20,
            "n_cancelled": 60,
            "n_rescheduled": 30,
            "n_unresolved": 10,
            "no_show_share": 20 / (100 + i),
            "no_show_share_n": 100 + i,
            "no_show_share_low": 0.1,
            "no_show_share_high": 0.3,
        }
        for i in range(60)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("draw", [avon.plot.share, avon.plot.outcomes])
def test_of_sixty_groups_the_largest_are_drawn_and_it_is_said(draw: Any) -> None:
    svg = shown(draw(sixty(lambda i: f"Host {i:02d}")))["image/svg+xml"]
    assert "Host 59" in svg
    assert "Host 34" not in svg
    assert "and 35 more, with smaller counts" in svg


def test_long_and_equal_names_stay_apart() -> None:
    svg = shown(avon.plot.share(sixty(lambda i: "A very long name " * 9)))["image/svg+xml"]
    assert svg.count("A very long name A very long name…") == 25


def test_a_frame_that_is_no_such_figure_is_told_which_is(visits: Any) -> None:
    with pytest.raises(UsageError, match=r"draws what cohort\.funnel\(…\) returns"):
        avon.plot.funnel(visits.outcomes())
    with pytest.raises(UsageError, match="a figure with shares"):
        avon.plot.share(visits.punctuality())
    with pytest.raises(UnknownGroup, match="Did you mean 'no_show_share'"):
        avon.plot.share(visits.outcomes(), "noshow_share")
    with pytest.raises(UsageError, match='by=\\["weekday", "hour"\\]'):
        avon.plot.week(visits.outcomes(by="weekday"))


def signalling() -> pd.DataFrame:
    """Fifteen months, the last two of them signals."""
    months = pd.date_range("2024-01-01", periods=15, freq="MS")
    rows = pd.DataFrame({"period_on": months, "n": 100, "count": 20, "share": 0.2})
    is_before = months < pd.Timestamp(2024, 12, 1)
    rows = rows.assign(center=0.2, lower=0.08, upper=0.32, is_in_baseline=is_before)
    rows["signal"] = [None] * 13 + ["higher", "lower"]
    rows["rule"] = [None] * 13 + ["beyond a limit", "shift"]
    rows["meaning"] = [None] * 13 + ["concern", "improvement"]
    rows.attrs |= {"share": "no_show_share", "expected_false_alarms": {"rows": 0.25, "groups": 0.2}}
    return rows


def test_signals_are_told_by_shape_colour_and_words() -> None:
    svg = shown(avon.plot.signals(signalling()))["image/svg+xml"]
    for words in ("higher: concern", "lower: improvement", "beyond a limit", "shift"):
        assert words in svg
    assert "2 signals, 0.25 to expect by chance" in svg
    assert COLOURS["no-show"][0] in svg
    shade = f'fill="{COLOURS["line"][0]}"'
    assert svg.count(shade) == 11  # the months of the baseline
    all_of_it = signalling().assign(is_in_baseline=True)
    assert shade not in shown(avon.plot.signals(all_of_it))["image/svg+xml"]
    late = signalling()
    # Periods before the first that counts anything: of 2024 April is the first that is drawn.
    late.loc[:2, ["share", "lower", "upper"]] = None
    svg = shown(avon.plot.signals(late))["image/svg+xml"]
    assert re.findall(r">(\w+)</text>", svg).count("Mar") == 1
    short = signalling()
    short.attrs["messages"] = ["a stretch of 3 complete periods is too short"]
    assert "too short" in shown(avon.plot.signals(short))["image/svg+xml"]


def ticks(svg: str) -> list[str]:
    """The numbers along the axes of shares that are seen."""
    found = re.findall(r"<text ([^>]*)>([\d.]+%)</text>", svg)
    return [text for how, text in found if 'opacity="0"' not in how]


def test_ticks_of_a_narrow_chart_stand_apart() -> None:
    row = {"host": "a", "no_show_share": 0.2, "no_show_share_n": 100.0}
    rows = pd.DataFrame([{**row, "no_show_share_low": 0.1, "no_show_share_high": 0.29}])
    assert "25%" in ticks(shown(avon.plot.share(rows, width=700))["image/svg+xml"])
    assert ticks(shown(avon.plot.share(rows, width=300))["image/svg+xml"]) == [
        *("0%", "10%", "20%", "30%")
    ]


def test_limits_that_lie_high_are_not_squeezed_under_the_top_of_a_chart() -> None:
    high = signalling().assign(share=0.93, center=0.93, lower=0.85, upper=1.0)
    assert "0%" in ticks(shown(avon.plot.signals(signalling()))["image/svg+xml"])
    drawn = ticks(shown(avon.plot.signals(high))["image/svg+xml"])
    assert min(int(tick[:-1]) for tick in drawn) >= 80
    assert "100%" in drawn
    rows = pd.DataFrame({"host": ["a", "b"], "n": [950, 1000], "count": [885, 930]})
    rows = rows.assign(share=0.93, center=0.93, lower_95=0.91, upper_95=0.95)
    rows = rows.assign(lower_998=0.9, upper_998=0.96, signal=None)
    svg = shown(avon.plot.outliers(rows))["image/svg+xml"]
    assert "0%" not in ticks(svg)
    assert ">200</text>" not in svg  # groups of nearly one size fill the width


def test_outliers_are_named_in_the_funnel() -> None:
    rows = pd.DataFrame({"host": ["a", "b", "Dr. No"], "n": [50, 100, 200], "count": [10, 20, 80]})
    rows = rows.assign(share=rows["count"] / rows["n"], center=0.2, lower_95=0.1, upper_95=0.3)
    rows = rows.assign(lower_998=0.05, upper_998=0.35)
    rows["signal"] = [None, None, "higher"]
    svg = shown(avon.plot.outliers(rows))["image/svg+xml"]
    assert "Dr. No" in svg
    assert "case mix is not removed" in svg
    assert ">a<" not in svg
    # Of groups of one size, limits are lines all the same.
    alike = shown(avon.plot.outliers(rows.assign(n=100, signal=None)))["image/svg+xml"]
    for dash in ("2,4", "6,3"):
        drawn = [
            path for path in re.findall("<path [^>]*>", alike) if f'dasharray="{dash}"' in path
        ]
        assert len(drawn) == 2
        assert all("L" in path for path in drawn)


def test_what_came_is_beside_what_was_expected() -> None:
    rows = pd.DataFrame({"period_on": pd.date_range("2024-01-01", periods=3, freq="MS")})
    rows = rows.assign(n_open=50, expected_no_show=10.0, expected_no_show_low=7.0)
    rows = rows.assign(expected_no_show_high=13.0, is_whole=True)
    ahead = shown(avon.plot.expected(rows))["image/svg+xml"]
    assert "what came" not in ahead
    back = shown(avon.plot.expected(rows.assign(n_no_show=[9, 15, 3])))["image/svg+xml"]
    for words in ("what came", "above the interval", "below the interval"):
        assert words in back
    alone = rows.drop(columns="period_on").assign(host=["a", "b", "c"])
    alone = alone[["host", *alone.columns[:-1]]]
    assert ">b<" in shown(avon.plot.expected(alone))["image/svg+xml"]
    with pytest.raises(UnknownGroup, match="Choices: attended, no_show"):
        avon.plot.expected(rows, "unresolved")
    with pytest.raises(UsageError, match=r"cohort\.expected"):
        avon.plot.expected(signalling())


def test_a_chart_is_an_altair_chart(visits: Any, tmp_path: Any) -> None:
    drawn = avon.plot.outcomes(visits.outcomes(every="month"))
    assert isinstance(drawn, altair.LayerChart)
    as_written = drawn.to_dict()
    assert as_written["$schema"] == altair.SCHEMA_URL
    chart = drawn.properties(height=100)
    assert chart.to_dict()["height"] == 100
    assert drawn.to_dict()["height"] == as_written["height"] != 100
    drawn.to_dict(format="vega-lite")  # by Altair, which checks it against Vega-Lite's own schema
    chart.save(tmp_path / "chart.svg")
    assert (tmp_path / "chart.svg").read_text("utf-8").startswith("<svg")
    assert 'alt="Outcomes of slots by month' in shown(chart)["text/html"]


def test_a_chart_says_which_periods_it_leaves_out() -> None:
    rows = pd.DataFrame({"period_on": pd.date_range("2020-01-01", periods=70, freq="MS")})
    rows = rows.assign(no_show_share=0.5, no_show_share_n=4, is_mature=True, is_whole=True)
    rows = rows.assign(no_show_share_low=0.3, no_show_share_high=0.7)
    whole = avon.plot.share(rows).to_dict()
    assert whole["title"]["subtitle"][0].endswith("drawn: Nov 2020 to Oct 2025, 60 of 70 months")
    assert "drawn" not in str(avon.plot.share(rows.tail(60)).to_dict()["title"])
    by_host = pd.concat([rows.assign(host=one) for one in ("a", "b")], ignore_index=True)
    by_host = by_host[["host", *rows.columns]]
    told = " ".join(avon.plot.share(by_host).to_dict()["title"]["subtitle"])
    assert "drawn: May 2023 to Oct 2025, 30 of 70 months" in told


def test_of_many_groups_the_largest_have_a_panel_in_the_order_of_the_frame() -> None:
    rows = sixty(lambda i: f"Host {i}")
    rows = rows.assign(period_on=pd.Timestamp("2025-01-01"), is_mature=True, is_whole=True)
    rows["no_show_share_n"] = [i % 20 + 10 for i in range(60)]  # three of each size
    rows.loc[7, "host"] = None
    rows["no_show_share_n"] = rows["no_show_share_n"].mask(rows.index == 7, 99)
    spec = avon.plot.share(rows).to_dict()
    titles = [one["title"]["text"] for row in spec["vconcat"] for one in row["hconcat"]]
    numbers = [i for i in range(60) if i % 20 >= 17 or i in (7, 16, 36)]
    expected = ["not known" if i == 7 else f"Host {i}" for i in numbers]
    assert titles == expected
    assert "and 48 more, with smaller counts" in str(spec["title"])


@pytest.mark.parametrize(("pixels", "across"), [(None, 2 * 760), (1920, 1920)])
def test_a_picture_for_a_slide(
    visits: Any, tmp_path: Path, pixels: int | None, across: int
) -> None:
    chart = avon.plot.outcomes(visits.outcomes(every="month"))
    path = avon.plot.save(chart, tmp_path / "chart.png", pixels=pixels)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    width = int.from_bytes(path.read_bytes()[16:20], "big")
    assert abs(width - across) <= (60 if pixels is None else 1)


def test_a_picture_on_dark_paper(visits: Any, tmp_path: Path) -> None:
    chart = avon.plot.share(visits.outcomes(by="host"))
    on_light, on_dark = (
        avon.plot.save(chart, tmp_path / f"{dark}.svg", dark=dark).read_text("utf-8")
        for dark in (False, True)
    )
    paper, dark_paper = COLOURS["paper"]
    assert paper in on_light
    assert dark_paper in on_dark
    assert f'"{paper}"' not in on_dark
    with pytest.raises(UsageError, match=r"written as \.svg or \.png"):
        avon.plot.save(chart, tmp_path / "chart.pdf")
    with pytest.raises(UsageError, match="pixels"):
        avon.plot.save(chart, tmp_path / "chart.png", pixels=0)


@pytest.mark.parametrize("highest", [0.0, 0.001, 0.004, 0.012, 0.02, 0.049, 0.05, 0.3, 1.0])
def test_no_two_ticks_of_an_axis_of_shares_agree(highest: float) -> None:
    rows = sixty(lambda i: f"Host {i}").assign(no_show_share=highest, no_show_share_high=highest)
    ticks = re.findall(r">([\d.]+%)<", shown(avon.plot.share(rows))["image/svg+xml"])
    assert len(ticks) > 2
    assert len(set(ticks)) == len(ticks)


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_no_two_ticks_of_an_axis_of_counts_agree(n: int) -> None:
    few = ["n_slots", "n_attended", "n_no_show", "n_cancelled", "n_rescheduled", "n_unresolved"]
    rows = sixty(lambda i: f"Host {i}").head(1).assign(**dict.fromkeys(few, 0))
    rows = rows.assign(n_slots=n, n_no_show=n)
    months = rows.drop(columns="host").assign(
        period_on=pd.Timestamp("2025-03-01"), is_mature=True, is_whole=True
    )
    for frame in (rows, months):
        picture = shown(avon.plot.outcomes(frame))["image/svg+xml"]
        ticks = [tick for tick in re.findall(r">(\d+)</text>", picture) if tick != "2025"]
        assert len(ticks) > 1
        assert len(set(ticks)) == len(ticks)


def test_charts_stand_side_by_side_and_below_each_other(visits: Any, tmp_path: Path) -> None:
    months = avon.plot.share(visits.outcomes(every="month"), title="Months")
    hosts = avon.plot.outcomes(visits.outcomes(by="host"), title="Hosts")
    target = altair.Chart(pd.DataFrame({"share": [0.1]})).mark_rule().encode(y="share:Q")
    both = (months + target | hosts) & hosts
    drawn = shown(both)
    for words in ("Months", "Hosts"):
        assert words in drawn["image/svg+xml"]
        assert words in drawn["text/plain"]
    row, below = both.to_dict()["vconcat"]
    rows = both.to_dict()["datasets"]
    names = [one["hconcat"][1]["data"]["name"] if "hconcat" in one else one["data"]["name"]
             for one in (row, below)]  # fmt: skip
    assert rows[names[0]] == rows[names[1]] == hosts.to_dict()["datasets"]["data-0"]
    assert names[0] != names[1]
    wide = avon.plot.save((months | hosts).properties(title="Both"), tmp_path / "both.svg")
    assert "Both" in wide.read_text("utf-8")


def some_charts(visits: Any) -> dict[str, Any]:
    """Charts of each kind: one layer, several, and panels."""
    return {
        "unit": avon.plot.outcomes(visits.outcomes(by="host")),
        "layers": avon.plot.share(visits.outcomes(by="host")),
        "panels": avon.plot.share(visits.outcomes(by="host", every="month")),
    }


@pytest.mark.parametrize("kind", ["unit", "layers", "panels"])
def test_what_altair_makes_of_a_chart_is_the_same_picture(visits: Any, kind: str) -> None:
    chart = some_charts(visits)[kind]
    as_it_was = shown(chart)["image/svg+xml"]
    assert without_numbers(shown(chart.copy())["image/svg+xml"]) == without_numbers(as_it_was)
    styled = chart.configure_axis(labelFontSize=9).properties(title="Mine")
    assert "Mine" in shown(styled)["image/svg+xml"]
    assert 'font-size="9px"' in shown(styled)["image/svg+xml"]
    assert json.loads(chart.to_json())["description"] == chart.to_dict()["description"]


def without_numbers(picture: str) -> str:
    """A picture without the numbers of its clips, which go on from one picture to the next."""
    return re.sub(r"clip\d+", "clip", picture)


@pytest.mark.parametrize("kind", ["unit", "layers", "panels"])
def test_a_chart_can_be_moved_where_it_is_saved_as_a_page(
    visits: Any, tmp_path: Path, kind: str
) -> None:
    chart = some_charts(visits)[kind].interactive()
    params = chart.to_dict()["params"]
    assert len(params) == len({one["name"] for one in params})
    assert len(params) == (len(shown_panels(chart)) if kind == "panels" else 1)
    assert {one["bind"] for one in params} == {"scales"}
    assert shown(chart)["text/html"].count("<img ") == 2
    chart.save(tmp_path / "chart.html", inline=True)
    page = (tmp_path / "chart.html").read_text("utf-8")
    assert (params[0]["name"] in page, "<script src" in page) == (True, False)
    both = chart | avon.plot.share(visits.outcomes(by="weekday")).interactive()
    views = [view for one in both.to_dict()["params"] for view in one["views"]]
    assert len(set(views)) == len(views) == len(params) + 1
    assert shown(both)["image/svg+xml"].startswith("<svg")


def shown_panels(chart: Any) -> list[Any]:
    """The charts of a chart of panels."""
    return [one for row in chart.to_dict()["vconcat"] for one in row["hconcat"]]


def test_days_ahead_of_groups_over_time_have_panels_with_one_axis_of_days(visits: Any) -> None:
    figure = visits.lead_times(by="interaction_type", every="month")
    panels = shown_panels(avon.plot.lead_times(figure))
    assert len(panels) == figure["interaction_type"].nunique(dropna=False)
    scales = [panel["layer"][0]["encoding"]["y"]["scale"] for panel in panels]
    highest = figure["p90_lead_days"].max()
    assert {scale["domainMax"] for scale in scales} == {highest}
    for panel in panels:
        assert panel["layer"][0]["encoding"]["x"]["field"] == "period"
    alone = figure[figure["period_on"].isna()]
    assert "There is nothing to draw" in str(avon.plot.lead_times(alone).to_dict())


def test_of_what_is_expected_of_all_it_is_said_why_no_interval_stands_there(visits: Any) -> None:
    why = "Intervals do not add up: those of all are the figure's without groups and periods."
    past = visits.backtest("interaction_type", every="month")
    assert why in str(avon.show(past))
    assert "Intervals do not add up" in avon.show(past)._repr_html_()
    assert why not in str(avon.show(past.head(1)))  # no row of all


def test_a_comparison_of_stages_names_them(visits: Any, tmp_path: Path) -> None:
    figure = compared(visits, "funnel", by="interaction_type")
    stages = ("booked", "started", "completed")
    lines = [
        line
        for line in str(avon.show(figure)).splitlines()
        if line.startswith(("Of booked", "Of st"))
    ]
    assert len(lines) == len(figure)
    assert all(any(f" {stage} " in line for stage in stages) for line in lines)
    svg = shown(avon.plot.compare(figure))["image/svg+xml"]
    assert "in person · started" in svg
    written = avon.export(figure, tmp_path / "stages.xlsx")
    read = pd.read_excel(written, header=3)
    assert list(read["Stage"][:3]) == list(stages)


def test_a_chart_is_laid_over_another_and_both_are_drawn(visits: Any) -> None:
    line = altair.Chart(pd.DataFrame({"n": [3]})).mark_rule(color="#123456").encode(x="n:Q")
    bars, points, panels = some_charts(visits).values()
    again = bars.copy()  # whose rows stand above its layers
    for below in (bars, again, again + line):
        drawn = below
        drawn += line
        assert drawn.title.text == ["Outcomes of slots by host"]
        (height, width) = (drawn.to_dict()[name] for name in ("height", "width"))
        assert (height, width) == (bars.to_dict()["height"], bars.to_dict()["width"])
        picture = shown(drawn)["image/svg+xml"]
        assert picture.count("#123456") >= 1
        for colour in ("attended", "no-show"):
            assert f'fill="{COLOURS[colour][0]}"' in picture
    both = shown(points.interactive() + points)
    assert both["image/svg+xml"].count("<path") > shown(points)["image/svg+xml"].count("<path")
    for below, above in ((panels, line), (bars, panels)):
        with pytest.raises(UsageError, match="several panels"):
            below + above


def test_what_a_chart_has_no_rows_for_is_refused_in_a_sentence(visits: Any) -> None:
    bars, _, panels = some_charts(visits).values()
    with pytest.raises(UsageError, match="by=…"):
        bars.facet("host:N")
    with pytest.raises(UsageError, match="each share"):
        panels.repeat(["a", "b"])
    with pytest.raises(UsageError, match="width: a chart of several panels has none of its own"):
        panels.properties(width=300)
    assert bars.properties(width=300).to_dict()["width"] == 300


def test_completion_offers_the_charts_alone() -> None:
    assert dir(avon.plot) == sorted(avon.plot.__all__)
