"""The Python face of the package: a store that is opened, loaded and asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from avon_analytics import arguments
from avon_analytics.appointments.holdings import holdings
from avon_analytics.appointments.rows.engine import StoreEngine
from avon_analytics.appointments.slots.slots import install_views, keep_slots
from avon_analytics.appointments.source import CohortSource
from avon_analytics.display import Shown, Summary
from avon_analytics.errors import StoreError
from avon_analytics.figures.words import DateLike, Every, GroupBy
from avon_analytics.intake.after.forget import forget
from avon_analytics.intake.after.forget_receipt import Forgotten
from avon_analytics.intake.archive.files import Paths
from avon_analytics.intake.archive.lines import LINE_LIMIT
from avon_analytics.intake.interrupted import interruptible
from avon_analytics.intake.load import load as load_archive
from avon_analytics.intake.read.codes import Policy
from avon_analytics.intake.read.signature import SecretsLike
from avon_analytics.intake.write.receipt import Receipt
from avon_analytics.labels import Labels, LabelsLike
from avon_analytics.looking import StoreTables
from avon_analytics.progress import shown, waiting
from avon_analytics.quarantine import Quarantine
from avon_analytics.store.database import Database
from avon_analytics.store.lake import write_lake
from avon_analytics.store.privacy import Privacy
from avon_analytics.store.waiting import WAIT_TO_LOAD, WAIT_TO_READ

if TYPE_CHECKING:
    import pandas as pd

    from avon_analytics.appointments.quality import Quality
    from avon_analytics.explorer.cohort import Cohort


def open(  # noqa: A001
    path: str | os.PathLike[str] = "avon.duckdb",
    *,
    time_zone: str | None = None,
    threads: int | None = None,
    memory_limit: str | None = None,
    wait: float = WAIT_TO_READ,
    labels: LabelsLike = None,
) -> Store:
    """Open a store: one DuckDB file, made by the first load. ``":memory:"`` keeps it in memory.

    time_zone: IANA name of the zone of visits whose own and whose patient's zone are unknown; a
        new store remembers it, an old one is read with it. UTC unless given.
    threads, memory_limit: what the engine may use, such as ``2`` and ``"1GB"``.
    wait: seconds to wait where another process, such as a load, holds the store.
    labels: what figures, tables and charts call that which no webhook names: the path of a TOML
        file with a table for each of ``appointment_type``, ``medical_center``, ``custom`` (fields
        by key) and ``"custom:<key>"`` (values of a field), each with lines ``id = "label"``; or a
        dict of the same. Hosts are called as the records of staff say.

    Raises UsageError for an unknown time zone; InputError for a file of labels that cannot be used,
    with its table and line. A store that is missing or cannot be read is reported by the first call
    that needs it.

    >>> avon.open("avon.duckdb").time_zone
    'UTC'
    """
    database = Database(
        path,
        time_zone=time_zone,
        threads=threads,
        memory_limit=memory_limit,
        wait=wait,
        on_create=install_views,
    )
    if "IPython" in sys.modules:
        from avon_analytics.explorer.completion import offer

        offer()
    return Store(database, Labels.read(labels))


class Store(CohortSource["Cohort"], StoreTables, Shown):
    """An archive of deliveries, verified and flattened into tables.

    The file is held only while something reads or writes it, so an open notebook keeps nobody
    out. Load into it, look at its tables, ask for a cohort of appointments, write a report.
    """

    def __init__(self, database: Database, labels: Labels | None = None) -> None:
        super().__init__(StoreEngine(database), labels)
        self._database = database

    @property
    def path(self) -> str:
        """Where the store is."""
        return self._database.path

    @property
    def time_zone(self) -> str:
        """The time zone of visits whose own and whose patient's zone are unknown."""
        return self._database.time_zone

    def load(
        self,
        paths: Paths,
        *,
        secrets: SecretsLike = None,
        policy: Policy = "require",
        privacy: Privacy | None = None,
        line_limit: int = LINE_LIMIT,
        recheck: bool = False,
        allow_truncated: bool = False,
        wait: float = WAIT_TO_LOAD,
        progress: bool = True,
    ) -> Receipt:
        """Load an archive; loading it again, or parts of it in any order, changes nothing.

        paths: files, folders (searched recursively), globs, and URLs of object stores.
        secrets: the webhook secret as text, several by name (``{"2024": …, "2025": …}``), or the
            Path of a TOML file with a line ``name = "secret"`` for each. Without it, the
            environment variable AVON_WEBHOOK_SECRET is read.
        policy: ``require`` loads lines with a right signature and quarantines the rest;
            ``record`` loads all and keeps the word on each signature; ``skip`` checks nothing.
        privacy: ``limited`` keeps a HIPAA limited data set only: city, state, postal code and dates
            stay; direct identifiers, free text and unknown values are never written. A store is
            ``full`` or ``limited`` from its first load on; without a word, a load follows it.
        line_limit: how many bytes a line may have; a longer one is quarantined as ``too_long``.
        recheck: look into files even where size and time of change say that they are as before.
        allow_truncated: of a compressed file that is damaged or cut short, load the whole lines
            before the damage; without it the load stops there. Loaded again when the file is whole,
            only what is new is added.
        wait: seconds to wait where another process holds the store.
        progress: show progress in a notebook or on a terminal, else say on standard error at the
            end how many lines were read.

        Returns a receipt: where every line ended, per file and in all.

        Raises MissingSecret, ArchiveError, SecretsFileError or StoreError, and UsageError where
        the store does not hold the kind of data set that ``privacy`` asks for; a file is loaded
        whole or not at all, and the same call goes on where the last one ended. Interrupted, it
        raises Interrupted, a KeyboardInterrupt that says what was loaded.

        >>> receipt = avon.open(":memory:").load("archive", secrets=Path("secrets.toml"))
        >>> receipt.loaded, receipt.quarantined
        (148, 15)
        """
        progress = arguments.flag(progress, "progress")
        seen = shown() if progress else nullcontext()
        with interruptible(self._database) as begun, seen as on_progress:
            receipt = load_archive(
                self._database,
                paths,
                secrets=secrets,
                policy=policy,
                privacy=privacy,
                line_limit=line_limit,
                recheck=recheck,
                allow_truncated=allow_truncated,
                wait=wait,
                on_wait=waiting if progress else None,
                on_progress=begun(on_progress),
            )
            if self._database.exists:
                with receipt.clock.timing("keep slots"):
                    is_kept = keep_slots(self._database, receipt.events)
                receipt = replace(receipt, slots_kept=is_kept)
            return receipt

    def write_lake(self, folder: str | os.PathLike[str]) -> Path:
        """Write all tables as Parquet, a folder per table and month, and return the folder.

        Raw: the files hold what was sent, names and all. ``avon_analytics.open`` reads a lake as it
        reads a store, and ``avon_analytics.spark`` computes its figures on a cluster. Written
        again, it is seen as it was before until all of it is there.

        Raises StoreError where there is no store, where the store is in memory, which never touches
        a file, or where the folder cannot be written.

        >>> store.write_lake("lake").name
        'lake'
        """
        if self._database.in_memory:
            raise StoreError(
                "a store in memory writes no files: load into one with a file, such as "
                'avon_analytics.open("avon.duckdb")'
            )
        with self._database.reading() as connection:
            write_lake(connection, folder, self.time_zone)
        return Path(folder)

    @property
    def quarantine(self) -> Quarantine:
        """What did not load: its ``lines()`` and ``errors()``; ``export()`` and ``replay()``.

        >>> store.quarantine
        Lines in quarantine     15
          signature_mismatch     6  the signature matches no secret
          contract               2  a field is not as Avon describes it
          not_json               2  not JSON
          unsigned               2  there is no signature
          conflict               1  another line of this event is trusted instead
          not_a_delivery         1  JSON, but no delivery of a webhook
          unverifiable           1  the bytes that were signed have not been kept
        """
        return Quarantine(self._database)

    def forget(self, patient_id: str) -> Forgotten:
        """Remove a person from every table, every version and the quarantine, for good.

        patient_id: the id of a patient or a caregiver, with ``user_`` or bare.

        Their records, messages, documents, tasks, care teams and visits go; of visits and threads
        that they share with others, their place goes and so does the free text. The store's file
        is written anew, so that no byte stays in it, and a keyed mark of the id keeps a later load
        from bringing the person back: such lines end as quarantined, with the code ``forgotten``.
        The archive files are not touched.

        Returns how many rows were removed and changed, by table; it names nobody.

        Raises UsageError for what is no id or is a member of staff, StoreError.

        >>> someone = visits.slots()["patient_id"].dropna().iloc[0]
        >>> store.forget(someone).events
        2
        """
        forgotten = forget(self._database, patient_id)
        keep_slots(self._database)
        return forgotten

    def explain(
        self,
        appointment_id: str,
        *,
        as_of: DateLike | None = None,
        identifiers: bool = False,
    ) -> pd.DataFrame:
        """One appointment's story in order: what was reported, by which delivery, and how it ended.

        One row is an event, something that an event reported for the first time beside its own
        name, or at the end the outcome of a slot. Columns: ``step`` (Int64, from 1); ``at`` (UTC,
        when it happened); ``kind`` (event, reported, outcome); ``what`` (event name, status word as
        sent, or outcome); ``slot`` (Int64, which planned start); ``patient_id``, where it concerns
        one alone; ``by_id`` (who changed it); ``source`` (event, status_history, attendee,
        actual_time; missing where nothing decided); ``is_inferred`` (boolean: reported, but no
        event of that name ever came); ``detail`` (what changed, or why the outcome is what it is,
        times in UTC); and where it stands: ``event_id``, ``file``, ``line``, ``byte_offset``,
        ``byte_length``, ``signature``, ``received_at``, ``n_deliveries``.

        appointment_id: with or without its prefix. as_of: as in ``appointments``.
        identifiers: also show the values of identifiers and free text that changed.

        Raises UnknownAppointment if no event up to then is about it.

        >>> visit = visits.slots()["appointment_id"].iloc[0]
        >>> store.explain(visit)[["step", "kind", "what"]].head(3)
           step      kind                 what
        0     1  reported            scheduled
        1     2     event  appointment.created
        2     3  reported          rescheduled
        """
        from avon_analytics.appointments.explanation import explain

        return explain(self._database, appointment_id, as_of=as_of, identifiers=identifiers)

    def quality(self, *, as_of: DateLike | None = None) -> Quality:
        """How far the store can be trusted: what came, when, how often, what was only inferred.

        Returns a DataFrame for each question: days without events, delivery lag, repeats,
        signatures, missing first events, inferred stages, unresolved slots, drift and custom
        fields; ``summary`` says what each means for the figures. Shown as text or in a notebook.

        >>> store.quality().signatures
          signature  n_events  event_share
        0  verified       147          1.0
        """
        from avon_analytics.appointments.quality import quality

        return quality(self._database, as_of=as_of)

    def custom_fields(
        self,
        of: str = "patient",
        *,
        names: Mapping[str, str] | None = None,
        as_of: DateLike | None = None,
    ) -> pd.DataFrame:
        """Custom fields, wide: one row per patient (appointment, provider, support), by id.

        Columns: ``patient_id`` (or the like), then one for each key, in the order of the keys,
        with the value reported last up to ``as_of``. Its type is read off the values, texts that
        spell one included: ``boolean`` if all are flags, ``float64`` if all are numbers,
        ``datetime64`` if all are dates (2025-01-31), else ``str``, with lists and objects as JSON.
        Missing: null, or never reported. Who is only a caregiver is no patient.

        names: columns' names by key, ``{"cfld_…": "Referral source"}``; other keys keep theirs.

        Raises UsageError where two keys would share a column, UnknownGroup for another ``of``.

        >>> store.custom_fields("appointment").shape
        (30, 4)
        """
        from avon_analytics.appointments.custom_fields import custom_fields

        return custom_fields(self._database, of, names=names, as_of=as_of)

    def report(
        self,
        out: str | os.PathLike[str] = "report.html",
        *,
        title: str = "Outcome report",
        by: GroupBy | None = None,
        every: Every = "month",
        min_count: int = 0,
        brief: bool = False,
        cohort: Cohort | None = None,
    ) -> Path:
        """Write the outcome report, one self-contained HTML page, and return its path.

        Beside ``report.html`` stands ``report.files.csv``: every file of the archive with its
        SHA-256 and where its lines ended; the page sums them up.

        by: a grouping that gets a section of its own.
        every: the length of the periods: day, week, month, quarter or year.
        min_count: counts from 1 to just below this are blank, and what would reveal them.
        brief: one sheet of paper: the summary, the outcomes, what changed and the caveats' names.
        cohort: what the report is about; without it, all appointments of the store.

        Raises StoreError or UnknownGroup; UsageError where the page cannot be written, and for a
        cohort of another store.

        >>> store.report("report.html", every="quarter").name  # doctest: +SKIP
        'report.html'
        """
        from avon_analytics.report.page.collect import collect
        from avon_analytics.report.page.files import write
        from avon_analytics.report.page.render import render

        page, brief = Path(out), arguments.flag(brief, "brief")
        if by is not None:
            by = arguments.text(by, "by: expected the name of a grouping")
        about = self._own(cohort or self.appointments(), "report")
        content = collect(
            self._database,
            replace(about, min_count=min_count) if min_count else about,
            title=title,
            by=by,
            every=every,
            out=page,
            brief=brief,
        )
        return write(content, render(content, brief=brief), page)

    def close(self) -> None:
        """Let go of the store.

        >>> store.close()
        >>> store.quarantine
        Quarantine
          holds  the store avon.duckdb was closed: open it again with avon_analytics.open
        """
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _kind_of_cohorts() -> type[Cohort]:
        from avon_analytics.explorer.cohort import Cohort

        return Cohort

    def _summary(self) -> Summary:
        return Summary("Store", list(holdings(self._database).items()))
