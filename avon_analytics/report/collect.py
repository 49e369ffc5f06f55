"""From a cohort to the report: asks for the figures, and writes the page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from avon_analytics.appointments.counted_alike import blanked_alike
from avon_analytics.appointments.p_prime import FEWEST_PERIODS
from avon_analytics.appointments.scope import PERIODS
from avon_analytics.figures.names import is_named, name_column
from avon_analytics.report.content import Coverage, Figures, Provenance, ReportContent
from avon_analytics.report.named import named
from avon_analytics.report.rows import groupings
from avon_analytics.report.what_changed import SHARES
from avon_analytics.store.provenance import Origin, origin
from avon_analytics.whole_file import refuse_to_replace, write_whole

if TYPE_CHECKING:
    import pandas as pd

    from avon_analytics.appointments import Cohort
    from avon_analytics.store.database import Database

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def collect(
    database: Database,
    cohort: Cohort,
    *,
    title: str,
    by: str | None = None,
    every: str = "month",
    files_beside: str = "",
) -> ReportContent:
    """All that the page shows, about one cohort of a store.

    Raises UnknownGroup for an unknown ``by``, StoreError for a store that cannot be read.
    """
    known = origin(database, cohort.as_of)
    lifecycle = cohort.lifecycle()
    signals_every = _signals_every(cohort, every)
    return ReportContent(
        title=title,
        as_of=cohort.as_of or _EPOCH,
        figures=_figures(cohort, by, every, signals_every),
        coverage=Coverage(
            first_occurred_at=known.first_occurred_at,
            last_occurred_at=known.last_occurred_at,
            first_start_at=_bound(lifecycle, "min"),
            last_start_at=_bound(lifecycle, "max"),
            n_files=known.n_files,
            n_events=known.n_events,
            n_patients=cohort.n_patients(),
            n_appointments=len(lifecycle),
        ),
        provenance=_provenance(known),
        time_zone=database.time_zone,
        grace_hours=cohort.grace_hours,
        late=cohort.late,
        every=every,
        signals_every=signals_every,
        min_count=cohort.min_count,
        files_beside=files_beside,
        on=cohort.on,
        scope=cohort.in_words(),
    )


def _provenance(known: Origin) -> Provenance:
    told = {**known.lines, **known.frames}
    return Provenance(policies=known.policies, **cast("dict[str, Any]", told))


def _signals_every(cohort: Cohort, every: str) -> str:
    """The periods of the report, or the longest shorter ones of which there are enough to tell."""
    shorter = PERIODS[: PERIODS.index(every) + 1] if every in PERIODS else ()
    for unit in reversed(shorter):
        if unit != "day" and len(cohort.signals(every=unit)) >= FEWEST_PERIODS:
            return unit
    return every


def _pair(cohort: Cohort, every: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Outcomes and cancellations, so that neither tells what is blank in the other."""
    outcomes, cancellations = cohort.outcomes(every=every), cohort.cancellations(every=every)
    if cohort.min_count <= 1:
        return outcomes, cancellations
    return blanked_alike(
        (outcomes, cohort.outcomes(every=every, min_count=0)),
        (cancellations, cohort.cancellations(every=every, min_count=0)),
        ["period_on"] if every else [],
        cohort.min_count,
    )


def _figures(cohort: Cohort, by: str | None, every: str, signals_every: str) -> Figures:
    outcomes, cancellations = _pair(cohort)
    outcomes_by_period, cancellations_by_period = _pair(cohort, every)
    tells_hours, tells_periods = (not _has_blanks(f) for f in (outcomes, outcomes_by_period))
    return Figures(
        outcomes=outcomes,
        outcomes_by_period=outcomes_by_period,
        funnel=cohort.funnel(),
        cancellations=cancellations,
        cancellations_by_period=cancellations_by_period,
        cancellations_by_who=cohort.cancellations(by="cancelled_by"),
        cancellations_by_notice=cohort.cancellations(by="notice_band"),
        outcomes_by_group=_by_name(cohort.outcomes(by=by)) if by else None,
        lead_times=cohort.lead_times(),
        lead_times_by_period=cohort.lead_times(every=every),
        incidence=cohort.incidence(),
        no_show_by_lead=cohort.outcomes(by="lead_band"),
        no_show_by_hour=cohort.outcomes(by=["weekday", "hour"]),
        signals={
            share: cohort.signals(share, every=signals_every, better=better)
            for share, better in SHARES.items()
        },
        outliers=_by_name(cohort.outliers(by=by)) if by else None,
        lost_time=cohort.lost_time() if tells_hours else None,
        lost_time_by_period=(
            cohort.lost_time(every=every) if tells_hours and tells_periods else None
        ),
        refills=cohort.refills() if tells_hours else None,
    )


def _has_blanks(outcomes: pd.DataFrame) -> bool:
    """Whether a count is blank: visits are much of a length, so hours would tell it."""
    counts = [name for name in outcomes.columns if name.startswith("n_")]
    return bool(outcomes[counts].isna().to_numpy().any())


def _by_name(figure: pd.DataFrame) -> pd.DataFrame:
    """Groups by their names, and in the order of these: a director knows no ids."""
    names = [name_column(group) for group in groupings(figure) if is_named(group)]
    ordered = figure.sort_values(names, kind="stable", na_position="last") if names else figure
    return named(ordered)


def _bound(lifecycle: pd.DataFrame, which: str) -> datetime | None:
    starts = lifecycle["start_at"].dropna()
    if starts.empty:
        return None
    bound = starts.min() if which == "min" else starts.max()
    return bound.to_pydatetime()  # type: ignore[no-any-return]


def files_beside(out: Path) -> Path:
    """Where the list of archive files of a page stands: ``report.files.csv``."""
    return out.with_suffix(".files.csv")


def write(content: ReportContent, page: str, out: Path) -> Path:
    """Write a page and beside it the list of its archive files, each whole or not at all.

    The list has a row for each file of the archive, each with its SHA-256 and where its lines
    ended. Returns the path of the page. Raises UsageError where one cannot be written or would
    replace a file of the archive.
    """
    archive = content.provenance.archive_files
    refuse_to_replace(out, archive["file"])
    files = archive.to_csv(index=False, lineterminator="\n")
    write_whole(
        files_beside(out),
        lambda part: part.write_bytes(files.encode("utf-8", "surrogateescape")),
        never=archive["file"],
    )
    return write_whole(out, lambda part: part.write_text(page, "utf-8"))
