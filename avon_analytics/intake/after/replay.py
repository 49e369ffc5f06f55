"""Trying lines of the quarantine again: a secret was added, or the contract was widened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import duckdb

from avon_analytics.display import Counts, Shown
from avon_analytics.errors import StoreError
from avon_analytics.intake.after.quarantined_lines import QuarantineFilter, places
from avon_analytics.intake.after.retry import retry
from avon_analytics.intake.archive.fetching import ArchivedLines
from avon_analytics.intake.archive.lines import LINE_LIMIT, checked_limit
from avon_analytics.intake.read.codes import Policy, meaning
from avon_analytics.intake.read.read_lines import ReadRules
from avon_analytics.intake.read.signature import Secrets, SecretsLike
from avon_analytics.intake.write.load_log import LoadLog
from avon_analytics.intake.write.staging import Staging
from avon_analytics.store.database import Database
from avon_analytics.store.memory import LOADING
from avon_analytics.store.privacy import privacy_of
from avon_analytics.store.trouble import store_error


@dataclass(frozen=True, slots=True, repr=False)
class Replay(Shown):
    """Where lines of the quarantine ended that were tried again.

    ``tried = loaded + duplicate + quarantined``. Of those that stay, ``quarantined_by_code`` says
    why; ``unreadable`` counts those among them whose bytes the store does not keep and which no
    longer stand in the archive as they stood. ``events`` is what the store holds afterwards.
    """

    loaded: int
    duplicate: int
    quarantined_by_code: Mapping[str, int] = field(default_factory=dict)
    unreadable: int = 0
    events: int = 0
    secrets: tuple[str, ...] = ()
    policy: str = "require"

    @property
    def quarantined(self) -> int:
        """Lines that stay in quarantine."""
        return sum(self.quarantined_by_code.values())

    @property
    def tried(self) -> int:
        """``loaded + duplicate + quarantined``."""
        return self.loaded + self.duplicate + self.quarantined

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        counts = {name: getattr(self, name) for name in ("tried", *_ENDS, "unreadable", "events")}
        return {
            **counts,
            "quarantined_by_code": dict(self.quarantined_by_code),
            "policy": self.policy,
            "secrets": list(self.secrets),
        }

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        yield "Lines tried again", f"{self.tried:,}", ""
        yield "  loaded", f"{self.loaded:,}", "new events"
        yield "  duplicate", f"{self.duplicate:,}", "events reported again"
        yield "  quarantined", f"{self.quarantined:,}", "stay where they are"
        for code, count in self.quarantined_by_code.items():
            yield f"    {code}", f"{count:,}", meaning(code)
        if self.unreadable:
            text = "not kept, and no longer in the archive as they stood"
            yield "    unreadable among them", f"{self.unreadable:,}", text
        yield "Events in the store", f"{self.events:,}", f"policy {self.policy}"

    def _summary(self) -> Counts:
        return Counts("Lines tried again", list(self._rows()))


_ENDS = ("loaded", "duplicate", "quarantined")


def replay(
    database: Database,
    *,
    secrets: SecretsLike = None,
    policy: Policy = "require",
    code: str | Iterable[str] | None = None,
    file: str | None = None,
    line_limit: int = LINE_LIMIT,
) -> Replay:
    """Try lines of the quarantine again, and move what now loads, all in one transaction.

    Raises MissingSecret without a secret, UsageError for an unknown code or file, StoreError for a
    store that is not there or cannot be written.
    """
    checked_limit(line_limit)
    given = Secrets.for_policy(policy, secrets)
    if not database.exists:
        raise StoreError(f"there is no store at {database.path}: load an archive into it first")
    with database.writing() as connection:
        try:
            is_limited = privacy_of(connection) == "limited"
            rules = ReadRules(policy, given, is_limited)
            wanted = QuarantineFilter.of(connection, code, file)
            log = LoadLog(connection, policy, given)
            with (
                database.side_by_side(),
                database.bounded(LOADING) as bound,
                ArchivedLines() as archive,
                closing(places(connection, wanted)) as every,
                log.transaction(Staging(connection.cursor(), rules, bound=bound)) as writer,
            ):
                found = (
                    place
                    for place in every
                    if place.code != "too_long" or place.byte_length <= line_limit
                )
                needed = given if policy == "require" else None
                retried = retry(connection, writer, found, archive, needed)
            ((n_events,),) = connection.execute("SELECT count(*) FROM events").fetchall()
        except duckdb.Error as error:
            raise store_error(database.path, error) from None
    codes = Counter(retried.stayed)
    for one in retried.ended.values():
        codes.update(one.quarantined_by_code)
    return Replay(
        loaded=sum(one.loaded for one in retried.ended.values()),
        duplicate=sum(one.duplicate for one in retried.ended.values()),
        quarantined_by_code={code: n for code, n in codes.most_common() if n},
        unreadable=retried.unreadable,
        events=n_events,
        secrets=given.names if given else (),
        policy=policy,
    )
