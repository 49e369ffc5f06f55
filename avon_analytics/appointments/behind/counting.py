"""Which rows a figure counts, read from the SQL that counts them.

The statement of a figure ends in steps of one form, which this module relies on and a test holds:
one of its selects counts rows, ``count(*) FILTER (WHERE …) AS n_x``, of one step or of
``population``, and a later one may count the patients of these, each once. Where many rows are
alike in all that is counted, a step before it may count these together as ``n_alike``, and
``sum(n_alike)`` stands for ``count(*)``. The same conditions choose the rows behind a number, so
there is no second opinion on what a count counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from avon_analytics.appointments.slots.queries import sql

_COUNT = re.compile(
    r"(?:count\(\*\)|coalesce\(CAST\(sum\(n_alike\))"
    r"(?:\s+FILTER\s+\(\s*WHERE\s+(?P<condition>.*?)\s*\))?"
    r"(?: AS BIGINT\), 0\))?"
    r"\s+AS\s+(?P<name>n\w*)\b",
    re.DOTALL,
)
_ALIKE = re.compile(
    r"SELECT\b(?:(?!SELECT\b).)*?,\s*count\(\*\) AS n_alike\s+FROM (?P<step>\w+)\s+GROUP BY ALL\b",
    re.DOTALL,
)
_SOURCE = re.compile(r"\n *FROM (?P<step>\w+)(?:\n *WHERE(?P<where>.*?))?\n *GROUP BY", re.DOTALL)
_PATIENTS = re.compile(r"\n *FROM \(SELECT DISTINCT keys, patient_id\b")
_OPENS = re.compile(r",?\s*\w+ AS \(\s*\Z")


@dataclass(frozen=True, slots=True)
class Counting:
    """What one figure counts: a condition for each count, on the rows of ``step``.

    steps: the text of all steps before it, empty if it counts the population itself. of_patients:
    the counts that count patients, each once.
    """

    steps: str
    step: str
    conditions: Mapping[str, str]
    of_patients: frozenset[str]

    def rows(self, condition: str) -> str:
        """A select of the rows for which a condition holds."""
        return f"{self.steps}SELECT * FROM {self.step} WHERE {condition}"


@cache
def counting(name: str) -> Counting:
    """What the statement in ``sql/<name>.sql`` counts."""
    text = _ALIKE.sub(r"SELECT * FROM \g<step>", sql(name))  # rows that are alike, each for itself
    first = _COUNT.search(text)
    assert first is not None, f"{name} counts no rows"
    source = _SOURCE.search(text, first.start())
    assert source is not None, f"{name} counts rows of no step"
    selects = text.rindex("SELECT", 0, first.start())
    before = _OPENS.sub("\n", text[:selects])
    every = (source["where"] or "true").strip()
    found = list(_COUNT.finditer(text, first.start(), source.start()))
    once = _PATIENTS.search(text, source.end())
    patients = list(_COUNT.finditer(text, source.end(), once.start())) if once else []
    return Counting(
        steps=before,
        step=source["step"],
        conditions={
            one["name"]: f"({every}) AND ({one['condition'] or 'true'})"
            for one in (*found, *patients)
        },
        of_patients=frozenset(one["name"] for one in patients),
    )
