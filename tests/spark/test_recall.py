"""What a bucket fetches of a lake: no rows of lists without the versions that tell of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import avon_analytics as avon
from avon_analytics.store.database import Database
from avon_analytics.store.lake import write_tables
from tests.intake.conftest import Archive

pytest.importorskip("pyarrow")

import pyarrow as pa

from avon_analytics.spark.messages import SENT_SCHEMA
from avon_analytics.spark.recall import Recall
from avon_analytics.spark.write_task import IN_BUCKETS

VERSIONS, ITEMS = "people_versions", "patient_custom_data_versions"


def test_versions_come_along_whose_lists_do(tmp_path: Path) -> None:
    """Two patients' lists are in one file, their versions in one each; the first comes again."""
    archive, lake = Archive(tmp_path / "archive"), tmp_path / "lake"
    lake.mkdir()
    data = [{"key": "cfld_1", "value": "a"}, {"key": "cfld_2", "value": "b"}]
    lines = [archive.raw(archive.patient(n, id=f"user_{n}", custom_data=data)) for n in (1, 2)]
    files: dict[str, list[str]] = {table: [] for table in IN_BUCKETS}
    for number, (told, tables) in enumerate(
        ((lines[:1], [VERSIONS]), (lines[1:], [VERSIONS]), (lines, [ITEMS]))
    ):
        path = tmp_path / f"{number}.duckdb"
        with avon.open(path) as store:
            store.load(archive.write(*told), policy="skip", progress=False)
        database = Database(path)
        with database.reading() as connection:
            written = write_tables(connection, lake, f"{number}-b0of1", tables)
        database.close()
        for table, months in written.items():
            files[table] += [one for some in months.values() for one in some]
    assert [len(files[table]) for table in (VERSIONS, ITEMS)] == [2, 1]

    again = {"what": "line", "message": "patient.updated:user_1:1"}
    bucket = Database(tmp_path / "bucket.duckdb")
    with bucket.writing() as connection:
        recall = Recall(connection, str(lake), files, 0, 1)
        recall.want(pa.RecordBatch.from_pylist([again], schema=SENT_SCHEMA))
        recall.fetch()
        rows = f"SELECT patient_id, event_id, key FROM {ITEMS} ORDER BY ALL"
        assert connection.execute(rows).fetchall() == [
            (f"user_{n}", f"patient.updated:user_{n}:{n}", key)
            for n in (1, 2)
            for key in ("cfld_1", "cfld_2")
        ]
    assert sorted(recall.replaced) == sorted(files[VERSIONS] + files[ITEMS])
    bucket.close()
