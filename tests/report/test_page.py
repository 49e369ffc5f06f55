"""The page as a whole: valid, closed to the outside, small, the same twice, and true."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from avon_analytics.report.page.content import Coverage, Provenance, ReportContent
from avon_analytics.report.page.render import render

if TYPE_CHECKING:
    from tests.report.conftest import MadeUp

VOID = {"meta", "br", "hr", "img", "link", "input"}
HOSTILE = ["<script>alert(1)</script>", '"><b>bold</b>', "{{ 7 * 7 }}", "a\x00\x1b[31m\u202eb"]


class Page(HTMLParser):
    """Checks that tags balance; gathers tags, attributes, ids and what a reader reads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self) -> str:
        return " ".join(self.text.replace("\u00a0", " ").split())


Contents = dict[str, ReportContent]


@pytest.fixture(scope="module")
def contents(clinic: MadeUp) -> Contents:
    many = clinic.by_host([f"Host {i} {'x' * i}" for i in range(500)])
    hostile = replace(
        clinic.with_groups(clinic.content(2), clinic.by_host(HOSTILE)),
        title=HOSTILE[0],
        scope=(HOSTILE[1],),
    )
    return {
        "nothing": replace(
            clinic.content(0, 0), coverage=Coverage(), provenance=Provenance(), time_zone="UTC"
        ),
        "one month": clinic.content(1, 1),
        "14 months": clinic.with_groups(
            clinic.content(14), clinic.by_host(["Dr. Okafor", "Dr. Li", None])
        ),
        "120 months": clinic.with_groups(clinic.content(120, 10_000, scale=1000), many),
        "hostile": hostile,
    }


@pytest.fixture(
    scope="module", params=["nothing", "one month", "14 months", "120 months", "hostile"]
)
def html(
    request: pytest.FixtureRequest, contents: Contents, page_of: Callable[[ReportContent], str]
) -> str:
    return page_of(contents[request.param])


@pytest.fixture(scope="module")
def year(contents: Contents, page_of: Callable[[ReportContent], str]) -> Page:
    return Page(page_of(contents["14 months"]))


def test_the_page_is_well_formed_closed_and_small(html: str) -> None:
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert len(html.encode()) < 500_000
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("img")
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]
    assert not [1 for _, attributes in page.tags if "style" in attributes]
    without_namespaces = re.sub(r'xmlns(:\w+)?="http://www.w3.org/[^"]*"', "", html)
    assert "http://" not in without_namespaces
    assert "https://" not in without_namespaces
    assert "url(" not in html
    assert "@import" not in html


def test_links_lead_to_sections_of_the_page(html: str) -> None:
    page = Page(html)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"] for link in page.all("a")} <= {f"#{name}" for name in ids}
    assert {section["aria-labelledby"] for section in page.all("section")} <= set(ids)


def test_the_policy_allows_this_very_style_sheet_and_nothing_else(html: str) -> None:
    (policy,) = [
        meta["content"]
        for meta in Page(html).all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    style = html.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "unsafe" not in policy


def test_light_dark_print_and_phone_are_there(html: str) -> None:
    style = html.split("<style>")[1].split("</style>")[0]
    assert "prefers-color-scheme:dark" in style
    assert "@media print" in style
    assert "max-width:44rem" in style


def test_accessible_names_scopes_and_landmarks(html: str) -> None:
    page = Page(html)
    assert page.all("html")[0]["lang"] == "en"
    names = [name for name, _ in page.tags]
    assert {"header", "nav", "main", "footer", "h1"} <= set(names)
    assert names.count("h1") == 1
    assert names.count("caption") == names.count("table")
    assert all(cell["scope"] in ("col", "row") for cell in page.all("th"))
    for chart in page.all("svg"):
        # A thin line beside a number says nothing that the number does not.
        assert chart.get("aria-hidden") == "true" or (
            chart["role"] == "img" and chart["aria-label"]
        )


def test_every_chart_is_drawn_wide_and_narrow(year: Page) -> None:
    labels = [chart["aria-label"] for chart in year.all("svg") if "aria-label" in chart]
    assert len(labels) == 12
    assert "Stacked bars: slots by outcome, Feb 2025 to Mar 2026" in labels
    assert "Stacked bars: slots by outcome, Apr 2025 to Mar 2026" in labels  # the newest twelve


def test_the_same_content_gives_the_same_bytes(
    contents: Contents, page_of: Callable[[ReportContent], str]
) -> None:
    assert render(contents["14 months"]) == page_of(contents["14 months"])


def test_dates_and_timestamps_give_the_same_page(clinic: MadeUp) -> None:
    content = clinic.content(2, 1)
    stamped = {
        name: getattr(content.figures, name).assign(
            period_on=lambda frame: pd.to_datetime(frame["period_on"])
        )
        for name in ("outcomes_by_period", "cancellations_by_period")
    }
    figures = replace(content.figures, **stamped)
    assert render(content) == render(replace(content, figures=figures))


def test_numbers_are_those_of_the_frames(year: Page, contents: Contents) -> None:
    content = contents["14 months"]
    for row in content.figures.outcomes_by_period.to_dict("records"):
        assert f"{100 * row['no_show_share']:.1f} % of {row['no_show_share_n']:.0f}, " in year.words
    total = content.figures.outcomes.iloc[0]
    cells = (total.n_slots, total.n_attended, total.n_no_show, total.n_cancelled)
    assert "".join(f"{n:,}" for n in cells) in year.words
    assert "Prepared from 2,700 verified events, as of 20 Mar 2026, 12:00 EDT (16:00 UTC)." in (
        year.words
    )
    assert "3,000 lines = 15 blank + 2,700 loaded + 240 duplicate + 45 quarantined" in year.words


def test_the_head_does_not_say_of_unchecked_events_that_they_failed(clinic: MadeUp) -> None:
    content = clinic.content(1)
    unchecked = pd.DataFrame({"signature": ["unchecked"], "n_events": [900]})
    provenance = replace(content.provenance, events_by_signature=unchecked)
    page = " ".join(render(replace(content, provenance=provenance), brief=True).split())
    assert re.search(r"Prepared from 0 verified events and [0-9,]+ not verified, as of", page)


def test_texts_from_outside_stay_text(
    contents: Contents, page_of: Callable[[ReportContent], str]
) -> None:
    html = page_of(contents["hostile"])
    page = Page(html)
    assert "<b>bold" not in html
    assert "<script" not in html.lower()
    assert page.text.count(HOSTILE[0]) >= 2  # as the title and as a host
    assert '"><b>bold</b>' in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert not set("\x00\x1b\u202e") & set(html)


def test_a_long_history_is_summed_up(
    contents: Contents, page_of: Callable[[ReportContent], str]
) -> None:
    words = Page(page_of(contents["120 months"])).words
    assert "The first row adds up 84 older months." in words
    assert "Apr 2016 to Mar 2023" in words
    assert "Drawn: Apr 2021 to Mar 2026." in words  # wide, and narrow:
    assert "Drawn: Apr 2025 to Mar 2026." in words
    assert "and 9,980 more files" in words
    assert "and 460 more" in words  # hosts in the table
    assert "and 485 more" in words  # hosts in the chart


def test_the_rest_of_the_files_is_summed_and_all_are_in_the_digest(
    contents: Contents, page_of: Callable[[ReportContent], str]
) -> None:
    files = contents["120 months"].provenance.archive_files
    lines = sorted(f"{d}  {f}\n" for d, f in zip(files["sha256"], files["file"], strict=True))
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    html = page_of(contents["120 months"])
    assert html.count(digest) == 2
    assert "<td>9,980,000</td><td>8,982,000</td><td>798,400</td><td>149,700</td>" in re.sub(
        r">\s+<", "><", html
    )


def test_even_boundless_texts_give_a_small_page(clinic: MadeUp) -> None:
    long = "very long " * 20_000
    content = clinic.content(2, 30)
    provenance = content.provenance
    content = replace(
        clinic.with_groups(content, clinic.by_host([long + str(i) for i in range(60)])),
        title=long,
        scope=(long,) * 50,
        provenance=replace(
            provenance,
            policies=(long,) * 50,
            archive_files=provenance.archive_files.assign(file=long),
            events_by_secret=pd.DataFrame({"secret": [long] * 99, "n_events": 1}),
            drift=pd.DataFrame({"kind": long, "path": [long] * 99, "json_type": long, "n_seen": 1}),
        ),
    )
    assert len(render(content).encode()) < 500_000


def test_appointments_booked_far_ahead_do_not_push_the_past_out_of_the_charts(
    clinic: MadeUp,
) -> None:
    content = clinic.content(14)
    months = content.figures.outcomes_by_period
    ahead = [
        clinic.outcome_row(0, 0, 0, 0, 0, 5, period_on=pd.Timestamp(year, 4, 1).date())
        for year in (2026, 2027, 2099)
    ]
    figures = replace(content.figures, outcomes_by_period=pd.concat([months, pd.DataFrame(ahead)]))
    page = Page(render(replace(content, figures=figures)))
    labels = [svg["aria-label"] for svg in page.all("svg") if "aria-label" in svg]
    assert "Stacked bars: slots by outcome, Feb 2025 to Apr 2027" in labels
    assert "Stacked bars: slots by outcome, Jun 2025 to Apr 2026" in labels
    assert "Apr 2099" in page.words  # in the table


def test_days_booked_ahead_are_shown_where_no_visit_came_due(contents: Contents) -> None:
    content = contents["14 months"]
    booked = pd.DataFrame(
        {
            "period_on": [pd.Timestamp("2025-03-01").date()],
            "n_appointments": 5,
            "n_with_lead": 4,
            "median_lead_days": 12.5,
            "p90_lead_days": 33.0,
            "is_mature": True,
            "is_whole": True,
        }
    )
    figures = replace(
        content.figures, lead_times_by_period=booked, no_show_by_lead=None, no_show_by_hour=None
    )
    page = Page(render(replace(content, figures=figures)))
    assert "Days booked ahead by month of booking" in page.words
    assert "No-show share by days booked ahead" not in page.words
    assert {"href": "#when"} in page.all("a")


def test_a_brief_page_holds_what_a_sheet_of_paper_does(contents: Contents) -> None:
    content = contents["14 months"]
    brief = render(content, brief=True)
    words = Page(brief).words
    for topic in ("Summary", "Outcomes by month", "Caveats"):
        assert topic in words
    assert "3,000 lines = 15 blank + 2,700 loaded + 240 duplicate + 45 quarantined" in words
    assert "<table" not in brief
    assert brief.count('class="chart wide"') == 1
    assert 'href="#' not in brief  # nothing to go to
    assert render(content).count("<details>") == 1


def test_shares_come_first_in_each_table(contents: Contents) -> None:
    heads = re.findall(r"<thead>\n<tr>(.*?)</tr>", render(contents["14 months"]), re.S)
    firsts = [re.findall(r'<th scope="col" class="(\w+)">', head) for head in heads]
    with_shares = [kinds for kinds in firsts if "share" in kinds]
    assert len(with_shares) >= 6
    assert all(kinds[0] == "share" for kinds in with_shares)
