"""From a cohort to the report: asks for all its figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from avon_analytics.appointments.calculated.small_counts_together import OF_NOTICE, OF_WHO
from avon_analytics.appointments.rows.scope import PERIODS
from avon_analytics.appointments.statistics.p_prime import FEWEST_PERIODS
from avon_analytics.report.page.content import (
    Coverage,
    Division,
    Figures,
    Provenance,
    ReportContent,
)
from avon_analytics.report.page.small_counts import (
    blanked_together,
    periods_of_signals,
    shown_count,
)
from avon_analytics.report.page.what_changed import SHARES
from avon_analytics.report.tables.names import named
from avon_analytics.store.provenance import Origin, origin
from avon_analytics.whole_file import refuse_to_replace

if TYPE_CHECKING:
    from avon_analytics.appointments.cohort import Cohort
    from avon_analytics.store.database import Database

from avon_analytics.report.page.files import files_beside

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def collect(
    database: Database,
    cohort: Cohort,
    *,
    title: str,
    by: str | None = None,
    every: str = "month",
    out: Path | None = None,
    brief: bool = False,
) -> ReportContent:
    """All that the page shows, about one cohort of a store; ``out`` is where the page will stand.

    brief: only what the brief page shows. With small counts blank it is all of the full page, so
    that both are blank alike.

    Raises UnknownGroup for an unknown ``by``, StoreError for a store that cannot be read, and at
    once UsageError for an ``out`` that would replace a file of the archive or a store.
    """
    with database.reading():  # held meanwhile: each figure would open it anew
        known = origin(database, cohort.as_of)
        if out is not None:
            for place in (out, files_beside(out)):
                refuse_to_replace(place, known.frames["archive_files"]["file"])
        zones = cohort._zones()
        division, figures = _figures_of_page(cohort, by, every, brief=brief)
        n_patients = cohort.n_patients()
    return ReportContent(
        title=title,
        as_of=cohort.as_of or _EPOCH,
        figures=replace(
            figures,
            outcomes_by_group=_named(figures.outcomes_by_group),
            outliers=_named(figures.outliers),
        ),
        coverage=_coverage(known, zones, n_patients, figures.funnel, cohort.min_count),
        provenance=_provenance(known),
        time_zone=database.time_zone,
        # Not those of too few appointments to be told apart.
        visit_zones=tuple(zones.loc[zones["n"] >= max(cohort.min_count, 1), "time_zone"].dropna()),
        grace_hours=cohort.grace_hours,
        late=cohort.late,
        every=every,
        signals_every=division.signals_every,
        min_count=cohort.min_count,
        files_beside="" if out is None else files_beside(out).name,
        on=cohort.on,
        scope=cohort.in_words(),
    )


def _coverage(
    known: Origin, zones: pd.DataFrame, n_patients: int, funnel: pd.DataFrame, min_count: int
) -> Coverage:
    """What the archive spans; how many appointments, unless a stage of the funnel is blank."""
    is_blank = funnel["n_reached"].isna().any()
    return Coverage(
        first_occurred_at=known.first_occurred_at,
        last_occurred_at=known.last_occurred_at,
        first_start_at=_instant(zones["first_at"].min()),
        last_start_at=_instant(zones["last_at"].max()),
        n_files=known.n_files,
        n_events=known.n_events,
        n_patients=shown_count(n_patients, min_count),
        n_appointments=None if is_blank else shown_count(int(zones["n"].sum()), min_count),
    )


def _provenance(known: Origin) -> Provenance:
    fields = {**known.lines, **known.frames}
    return Provenance(policies=known.policies, **cast("dict[str, Any]", fields))


def _signals_every(cohort: Cohort, every: str) -> str:
    """The periods of the report, or the longest shorter ones of which there are enough to tell."""
    shorter = PERIODS[: PERIODS.index(every) + 1] if every in PERIODS else ()
    for unit in reversed(shorter):
        if unit != "day" and len(cohort.signals(every=unit)) >= FEWEST_PERIODS:
            return unit
    return every


def _figures_of_page(
    cohort: Cohort, by: str | None, every: str, *, brief: bool
) -> tuple[Division, Figures]:
    """The figures of the page, and what they are divided by."""
    min_count = cohort.min_count
    with_all = replace(cohort, min_count=0)
    division = Division(by, every, _signals_every(with_all, every))
    if brief and min_count <= 1:
        return division, _foremost_figures(cohort, division)
    known = _figures(with_all, division)
    if min_count <= 1:
        return division, known
    signals_every = periods_of_signals(known, division, min_count)
    if signals_every != division.signals_every:
        division = replace(division, signals_every=signals_every)
        known = replace(known, signals=_signals(with_all, signals_every))
    settings = cohort._settings
    late_hours = None if settings.is_same_day else settings.late_hours
    blanked = _figures(cohort, division)
    return division, blanked_together(known, blanked, division, late_hours, min_count)


def _signals(cohort: Cohort, every: str) -> dict[str, pd.DataFrame]:
    return {
        share: cohort.signals(share, every=every, better=better) for share, better in SHARES.items()
    }


def _figures(cohort: Cohort, division: Division) -> Figures:
    return replace(
        _foremost_figures(cohort, division),
        lead_times=cohort.lead_times(),
        lead_times_by_period=cohort.lead_times(every=division.every),
        incidence=cohort.incidence(),
        no_show_by_lead=cohort.outcomes(by="lead_band"),
        no_show_by_hour=cohort.outcomes(by=["weekday", "hour"]),
        lost_time=cohort.lost_time(),
        lost_time_by_period=cohort.lost_time(every=division.every),
        refills=cohort.refills(),
    )


def _foremost_figures(cohort: Cohort, division: Division) -> Figures:
    """Those that the summary, what changed and the caveats rest on."""
    by, every = division.by, division.every
    by_who = cohort.cancellations(by="cancelled_by")
    by_notice = cohort.cancellations(by="notice_band")
    return Figures(
        outcomes=cohort.outcomes(),
        outcomes_by_period=cohort.outcomes(every=every),
        funnel=cohort.funnel(),
        cancellations=cohort.cancellations(),
        cancellations_by_period=cohort.cancellations(every=every),
        cancellations_by_who=by_who.loc[by_who.n_cancelled != 0, list(OF_WHO)],
        cancellations_by_notice=by_notice.loc[by_notice.n_cancelled != 0, list(OF_NOTICE)],
        outcomes_by_group=cohort.outcomes(by=by) if by else None,
        signals=_signals(cohort, division.signals_every),
        outliers=cohort.outliers(by=by) if by else None,
    )


def _named(figure: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if figure is None else named(figure)


def _instant(found: Any) -> datetime | None:
    return None if pd.isna(found) else found.to_pydatetime()
