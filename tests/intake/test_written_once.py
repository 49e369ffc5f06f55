"""Rows are written once: nobody repeats what an event says of itself and of its only line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from avon_analytics.store.slim import slim_tables
from avon_analytics.store.tables import stored_tables

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

IN_THE_LOG = "SELECT line, ended, code FROM stored.deliveries ORDER BY ALL"
SEEN = "SELECT load_id, line, ended, form, signature FROM deliveries ORDER BY ALL"


def test_of_an_event_that_came_once_the_log_has_no_row(archive: Archive, desk: Desk) -> None:
    twice = archive.raw(archive.patient(2))
    desk.take(archive.raw(archive.patient(1)), twice, "", "{", twice)
    assert desk.rows(IN_THE_LOG) == [
        (2, "loaded", None),
        (4, "quarantined", "not_json"),
        (5, "duplicate", None),
    ]
    assert desk.rows(SEEN) == [
        (1, 1, "loaded", "raw", "verified"),
        (1, 2, "loaded", "raw", "verified"),
        (1, 4, "quarantined", None, None),
        (1, 5, "duplicate", "raw", "verified"),
    ]


def test_what_is_told_of_a_line_outlives_that_its_event_comes_again(
    archive: Archive, desk: Desk
) -> None:
    """The second line is the earlier one and has the better signature; the first keeps its own."""
    event = archive.patient(1)
    first = archive.write(archive.raw(event, secret=None, received="2025-03-11T00:00:00Z"))
    desk.load(first, policy="record")
    before = desk.rows("SELECT * FROM deliveries")
    assert desk.rows(IN_THE_LOG) == []
    desk.take(archive.raw(event, received="2025-03-10T00:00:00Z"), policy="record")
    assert desk.rows("SELECT * FROM deliveries WHERE load_id = 1") == before
    assert desk.rows("SELECT load_id, ended, signature FROM deliveries ORDER BY load_id") == [
        (1, "loaded", "unsigned"),
        (2, "duplicate", "verified"),
    ]
    assert desk.rows("SELECT signature, n_deliveries FROM events") == [("verified", 2)]


def test_a_receipt_of_nought_is_told_by_the_log(archive: Archive, desk: Desk) -> None:
    desk.take(archive.raw(archive.patient(1), received=0))
    assert desk.column("SELECT unset_receipt FROM stored.deliveries") == ["0"]
    assert desk.column("SELECT unset_receipt FROM deliveries") == ["0"]


def test_rows_of_lists_know_their_event_by_its_number(archive: Archive, desk: Desk) -> None:
    data = [{"key": "cfld_1", "value": "a"}, {"key": "cfld_2", "value": "b"}]
    for ms, who in ((1, "ann"), (2, "bob")):
        desk.take(archive.raw(archive.patient(ms, id=who, custom_data=data)))
    rows = "SELECT event_no, position, key FROM stored.patient_custom_data_versions ORDER BY ALL"
    assert desk.rows(rows) == [(n, p, f"cfld_{p + 1}") for n in (1, 2) for p in (0, 1)]
    seen = "SELECT patient_id, event_id, key FROM patient_custom_data_versions ORDER BY ALL"
    assert desk.rows(seen) == [
        (f"user_{who}", f"patient.updated:user_{who}:{ms}", key)
        for ms, who in ((1, "ann"), (2, "bob"))
        for key in ("cfld_1", "cfld_2")
    ]


@pytest.mark.parametrize("name", slim_tables())
def test_every_view_has_the_columns_that_users_know(desk: Desk, name: str) -> None:
    columns = stored_tables()[name]
    seen = desk.rows(f'SELECT column_name, column_type FROM (DESCRIBE "{name}")')
    assert seen == [(column.name, column.sql_type) for column in columns]
    kept = desk.rows(f'SELECT column_name, column_type FROM (DESCRIBE stored."{name}")')
    assert kept == [(column.name, column.sql_type) for column in slim_tables()[name]]


def test_another_program_sees_them_under_any_name(
    archive: Archive, open_desk: OpenDesk, tmp_path: Path
) -> None:
    desk = open_desk(tmp_path / "store.duckdb")
    desk.take(archive.raw(archive.patient(1, custom_data=[{"key": "cfld_1", "value": "a"}])))
    desk.close()
    with duckdb.connect() as other:
        other.execute(f"ATTACH '{tmp_path / 'store.duckdb'}' AS clinic (READ_ONLY)")
        for name in ("patients", "patient_custom_data", "events", "deliveries"):
            assert other.execute(f"SELECT count(*) FROM clinic.{name}").fetchall() == [(1,)]
