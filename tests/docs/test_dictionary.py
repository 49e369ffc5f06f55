"""docs/data-dictionary.md is what the code says, and what a store has."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from avon_analytics.appointments.slots.slots import install_views
from avon_analytics.store.connection import MEMORY
from avon_analytics.store.database import Database
from avon_analytics.store.dictionary import data_dictionary
from avon_analytics.store.tables import hidden_columns, table_infos

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data-dictionary.md"
SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(
    r"^\| `(\w+)` \| ([\w ]+) \| (.+?) \| (?:(both|now|versions) \| )?([^|]*?) \|(?: [^|]* \|)?$",
    re.M,
)

Columns = dict[str, str]  # name to type


@pytest.fixture(scope="module")
def store() -> dict[str, Columns]:
    """Every table and view of an empty store, with its columns."""
    database = Database(MEMORY)
    with database.writing() as connection:
        install_views(connection)
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_catalog = 'store' AND table_schema = 'main' "
            "ORDER BY table_name, ordinal_position"
        ).fetchall()
    database.close()
    found: dict[str, Columns] = defaultdict(dict)
    for table, column, kind in rows:
        found[table][column] = kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
    return found


@pytest.fixture(scope="module")
def told() -> dict[str, tuple[Columns, set[str]]]:
    """Every table that the page describes: its columns, and those told to be hidden."""
    found: dict[str, tuple[Columns, set[str]]] = {}
    for name, text in SECTION.findall(PAGE.read_text("utf-8")):
        rows = ROW.findall(text)
        assert all(meaning.strip() for _, _, meaning, _, _ in rows), name
        for table in tables_of_a_section(name, text):
            wanted = "versions" if table.endswith("_versions") else "now"
            mine = [row for row in rows if row[3] in ("", "both", wanted)]
            hidden = {column for column, _, _, _, why in mine if why}
            found[table] = ({column: kind for column, kind, *_ in mine}, hidden)
    return found


def tables_of_a_section(name: str, text: str) -> list[str]:
    others = re.findall(r"`(\w+_versions)`", text.partition("|")[0])
    return [name, *others, *(["caregivers"] if name == "patients" else [])]


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == data_dictionary(), (
        "write it anew: python -m avon_analytics.store.dictionary > docs/data-dictionary.md"
    )


def test_the_page_describes_every_table(
    store: dict[str, Columns], told: dict[str, tuple[Columns, set[str]]]
) -> None:
    assert set(told) == set(store) - {"settings"}
    assert set(told) == {info.name for info in table_infos()}


def test_columns_and_types_are_those_of_the_store(
    store: dict[str, Columns], told: dict[str, tuple[Columns, set[str]]]
) -> None:
    for table, (columns, _) in told.items():
        assert columns == store[table], table


def test_columns_of_figures_come_in_their_order(
    store: dict[str, Columns], told: dict[str, tuple[Columns, set[str]]]
) -> None:
    for table in ("appointment_slots", "appointment_lifecycle"):
        assert list(told[table][0]) == list(store[table])


def test_what_is_told_to_be_hidden_is_hidden(
    told: dict[str, tuple[Columns, set[str]]],
) -> None:
    for table, (columns, hidden) in told.items():
        assert hidden == hidden_columns(table) & set(columns), table
