"""What did not load: looked at, taken out as it was archived, and tried again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from avon_analytics import arguments
from avon_analytics.appointments.slots.slots import keep_slots
from avon_analytics.display import Counts, Shown, Summary
from avon_analytics.errors import StoreError
from avon_analytics.intake.after import quarantine as quarantined
from avon_analytics.intake.after.quarantine import Export
from avon_analytics.intake.after.replay import Replay, replay
from avon_analytics.intake.archive.lines import LINE_LIMIT
from avon_analytics.intake.read.codes import Policy, meaning
from avon_analytics.intake.read.signature import SecretsLike
from avon_analytics.store.database import Database

if TYPE_CHECKING:
    import pandas as pd


class Quarantine(Shown):
    """The lines of a store that did not load; ``store.quarantine`` is one.

    A line stays here, with its place in the archive and every error, until it loads. It shows how
    many lines there are, by code.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(
        self,
        *,
        code: str | Iterable[str] | None = None,
        file: str | os.PathLike[str] | None = None,
        line: int | None = None,
        identifiers: bool = False,
    ) -> pd.DataFrame:
        """Lines that did not load, one a row: where each stands, its code and likely cause.

        Columns: ``load_id`` (Int64), the load that read it; ``file`` (str), ``line`` (Int64, from
        1), ``byte_offset`` and ``byte_length`` (Int64, of the decompressed file), in whose order
        they stand; ``sha256`` (str) of the line, missing where it names somebody forgotten;
        ``code`` (str), the first that holds; ``errors`` (str), all of them as JSON; ``cause``
        (str), of a signature_mismatch, missing where none can be shown.

        code, file, line: keep only these; the end of a file's path is enough where only one
            ends so.
        identifiers: add ``content``, the line itself as bytes, which is raw.

        Raises UsageError for an unknown code or a file that has no line in quarantine.

        >>> lines = store.quarantine.lines(code="signature_mismatch")
        >>> lines["cause"].value_counts().index[0]
        'the body was changed before it was archived: its JSON was written anew'
        """
        name = None if file is None else arguments.path(file, "file")
        return quarantined.lines(
            self._database, code=code, file=name, line=line, identifiers=identifiers
        )

    def errors(
        self,
        *,
        code: str | Iterable[str] | None = None,
        file: str | os.PathLike[str] | None = None,
        line: int | None = None,
    ) -> pd.DataFrame:
        """Every error of the lines that did not load, one a row, never with a value.

        Columns: ``file``, ``line``, ``code``, ``path`` (the field), ``expected``. The arguments
        are those of ``lines``.

        Raises UsageError for an unknown code or a file that has no line in quarantine.

        >>> store.quarantine.errors(code="contract")["path"].tolist()
        ['created_at', 'object.last_updated_at']
        """
        name = None if file is None else arguments.path(file, "file")
        return quarantined.errors(self._database, code=code, file=name, line=line)

    def export(
        self,
        out: str | os.PathLike[str],
        *,
        code: str | Iterable[str] | None = None,
        file: str | os.PathLike[str] | None = None,
    ) -> Export:
        """Write lines of the quarantine to a file, as they were archived, so that it loads again.

        Raw: the lines hold what was sent, names and all. The file is readable by its owner alone.
        Lines that the store does not keep are read from the archive.

        Returns how many lines were written, and how many are missing because they no longer stand
        in the archive as they stood.

        Raises UsageError for an unknown code or file, or where ``out`` cannot be written.

        >>> store.quarantine.export("lines.jsonl", code="not_json")
        Export(lines=2, missing=0)
        """
        name = None if file is None else arguments.path(file, "file")
        return quarantined.export_to(self._database, out, code=code, file=name)

    def replay(
        self,
        *,
        secrets: SecretsLike = None,
        policy: Policy = "require",
        code: str | Iterable[str] | None = None,
        file: str | os.PathLike[str] | None = None,
        line_limit: int = LINE_LIMIT,
    ) -> Replay:
        """Try lines of the quarantine again, and move what loads now, all in one transaction.

        Useful after a secret was added, after an update of this package, or with a larger
        ``line_limit`` for lines that were too long. Lines that the store does not keep are read
        from the archive where they stand. Secrets and policy are those of ``load``.

        Returns where the lines ended that were tried.

        Raises MissingSecret, SecretsFileError, UsageError for an unknown code or file, StoreError.

        >>> store.quarantine.replay(secrets=Path("secrets.toml"), code="contract")
        Lines tried again      2
          loaded               0  new events
          duplicate            0  events reported again
          quarantined          2  stay where they are
            contract           2  a field is not as Avon describes it
        Events in the store  148  policy require
        """
        moved = replay(
            self._database,
            secrets=secrets,
            policy=policy,
            code=code,
            file=None if file is None else arguments.path(file, "file"),
            line_limit=line_limit,
        )
        keep_slots(self._database)
        return moved

    def _summary(self) -> Summary:
        """What an object shows of itself is no place for an error."""
        try:
            by_code = quarantined.counts(self._database)
        except StoreError as error:
            return Summary("Quarantine", [("holds", str(error))])
        rows = [("Lines in quarantine", f"{sum(by_code.values()):,}", "")]
        rows += [(f"  {code}", f"{n:,}", meaning(code)) for code, n in by_code.items()]
        return Counts("Quarantine", rows)
