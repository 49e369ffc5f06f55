"""A task beside the first one: lines in quarantine for their signature that are trusted now.

Each is taken out of the bucket in which it is, and sent to that of its event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from avon_analytics.intake.after.quarantined_lines import QuarantinedLine, parts_of
from avon_analytics.intake.after.retry import codes_to_retry, trusted_under
from avon_analytics.intake.archive.batch import batch_of
from avon_analytics.intake.archive.fetching import ArchivedLines
from avon_analytics.spark.messages import (
    RETRIED,
    TAKEN_OUT,
    Batches,
    bucket_in,
    buckets_of,
    in_our_words,
    key_of_place,
    words,
)
from avon_analytics.spark.read_task import ReadOptions, Sender


@dataclass(frozen=True)
class RetryTask:
    """Looks at rows of the lake's quarantine, those of some files."""

    options: ReadOptions
    files: Mapping[str, str | None] = field(repr=False)  # with the URL that opens each, as needed

    @in_our_words
    def run(self, batches: Batches) -> Batches:
        """Rows as ``SENT`` says."""
        needed = self.options.secrets.in_task() if self.options.policy == "require" else None
        is_trusted = trusted_under(needed)
        sender = Sender(self.options, RETRIED)
        urls = {path: url for path, url in self.files.items() if url is not None}
        with ArchivedLines(urls) as archive:
            for rows in batches:
                found = {
                    QuarantinedLine._make([*(row[name] for name in _PLACE), True]): row
                    for row in rows.to_pylist()
                    if row["file"] in self.files
                    and row["code"] in codes_to_retry(self.options.policy)
                }
                for part in parts_of(found):
                    contents = {
                        at: found[at]["content"] or archive.whole(at, at.sha256) for at in part
                    }
                    moving = {at: one for at, one in contents.items() if one and is_trusted(one)}
                    if moving:
                        yield self._taken_out([found[place] for place in moving])
                        lines = [(*place.key[1:], line) for place, line in moving.items()]
                        yield from sender.send(batch_of(lines))

    def _taken_out(self, rows: list[dict[str, Any]]) -> pa.RecordBatch:
        """Words to the buckets in which lines are, or will be once they are divided anew."""
        keys = [key_of_place(row["file"], row["line"]) for row in rows]
        by_place = buckets_of(keys, self.options.n_buckets)
        taken = []
        for row, bucket in zip(rows, by_place, strict=True):
            number, n_buckets = bucket_in(row["written_in"])
            at = {name: row[name] for name in ("file", "line", "byte_offset")}
            is_there = n_buckets == self.options.n_buckets
            taken.append(
                {**at, "bucket": number if is_there else bucket, "message": row["load_id"]}
            )
        return words(TAKEN_OUT, "moved", taken)


_PLACE = ("load_id", "file", "line", "byte_offset", "byte_length", "sha256", "code")
