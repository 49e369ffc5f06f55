"""What was removed of a person who was forgotten, said without naming anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from avon_analytics.display import Counts, Shown


@dataclass(frozen=True, slots=True, repr=False)
class Forgotten(Shown):
    """What was removed of a person; it names nobody.

    ``removed`` holds the rows that are gone, by table; ``changed`` how many values of others' rows
    went: a reference, a text that names the person, a free text or an unknown value of a visit that
    they shared. ``events`` are gone with all their rows, ``lines`` of the archive ended anew as
    quarantined with the code ``forgotten``, and ``withheld`` lines of the quarantine no longer have
    their bytes, ``unsearchable`` of them because nobody can tell what stands in them. ``files`` are
    names of archive files that named the person and are masked in the log. ``reasons`` counts the
    different texts that named the person, by what they were known by. ``was_known`` is false if
    nothing was found: a mistyped id, or somebody who has yet to come. ``was_forgotten`` says that
    the id had been forgotten before.
    """

    events: int
    lines: int
    withheld: int
    removed: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    unsearchable: int = 0
    files: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    was_forgotten: bool = False

    @property
    def was_known(self) -> bool:
        """Whether anything was found."""
        named = self.withheld - self.unsearchable
        return bool(
            self.events or self.lines or named or self.removed or self.changed or self.files
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {"was_known": self.was_known, **asdict(self)}

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        yield "Events forgotten", f"{self.events:,}", "with all their rows"
        yield "Lines", f"{self.lines:,}", "now quarantined as forgotten, without a byte of them"
        yield "Lines withheld", f"{self.withheld:,}", "of the quarantine, without their bytes"
        if self.unsearchable:
            text = "of these, which cannot be searched for anybody"
            yield "  unsearchable", f"{self.unsearchable:,}", text
        if self.files:
            yield "File names", f"{self.files:,}", "masked in the log, as they named the person"
        for reason, count in self.reasons.items():
            yield f"  by {reason}", f"{count:,}", "different texts that named the person"
        for name, count in self.removed.items():
            yield f"  {name}", f"{count:,}", "rows removed"
        for name, count in self.changed.items():
            yield f"  {name}", f"{count:,}", "values in rows of others"

    def _notes(self) -> list[str]:
        if self.was_known:
            return [
                "The archive files still hold what was sent.",
                "Later loads know the person by the id: where only a name or number stands, it "
                "stays.",
            ]
        if self.was_forgotten:
            return ["This id was forgotten before, and nothing of it has come since."]
        return [
            "NOTHING WAS FOUND of this id: is it spelled as Avon spells it? It is marked all the "
            "same, and a later load will not bring it."
        ]

    def _summary(self) -> Counts:
        return Counts("Forgotten", list(self._rows()), notes=self._notes())
