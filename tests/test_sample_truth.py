"""The sample against its truth, which was written down before anything was counted: to the unit."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import avon_analytics as avon

if TYPE_CHECKING:
    from tests.conftest import Loaded


@pytest.fixture(scope="module")
def truth(sample: Loaded) -> dict[str, Any]:
    return dict(json.loads((sample.root / "truth.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def store(sample: Loaded) -> avon.Store:
    return avon.open(sample.db)


@pytest.fixture(scope="module")
def visits(store: avon.Store) -> avon.Cohort:
    return store.appointments()


def counts(row: Any) -> dict[str, int]:
    return {str(name): int(value) for name, value in row.items()}


# The receipt


def test_the_receipt_adds_up_to_the_truth(sample: Loaded, truth: dict[str, Any]) -> None:
    told, known = sample.receipt, truth["receipt"]
    for name in ("lines", "blank", "loaded", "duplicate", "quarantined", "files_passed_over"):
        assert getattr(told, name) == known[name], name
    assert told.lines == told.blank + told.loaded + told.duplicate + told.quarantined
    assert told.quarantined_by_code == known["quarantined_by_code"]
    assert told.events == truth["n_events"]
    assert told.files_unchanged == 0
    assert list(told.secrets) == truth["secrets"]
    assert not told.nothing_trusted


def test_the_receipt_is_the_truth_for_each_file(sample: Loaded, truth: dict[str, Any]) -> None:
    names = ("lines", "blank", "loaded", "duplicate", "quarantined")
    told = {
        file.file.removeprefix(f"{sample.root}/"): {
            **{name: getattr(file, name) for name in names},
            "quarantined_by_code": dict(file.quarantined_by_code),
        }
        for file in sample.receipt.files
    }
    assert told == truth["receipt"]["files"]


def test_loading_again_reads_nothing(sample: Loaded, tmp_path: Any) -> None:
    with avon.open(sample.copy(tmp_path / "again.duckdb")) as again:
        receipt = again.load(sample.archive, secrets=sample.secrets, progress=False)
    assert (receipt.lines, receipt.files_unchanged) == (0, len(sample.receipt.files))
    assert receipt.events == sample.receipt.events


# The tables


def test_the_tables_hold_what_was_told(store: avon.Store, truth: dict[str, Any]) -> None:
    known = dict(truth["tables"])
    deleted = known.pop("messages_with_deleted_at")
    rows = store.tables().set_index("table")["n_rows"]
    assert counts(rows[list(known)]) == known
    assert int(store.table("messages")["deleted_at"].notna().sum()) == deleted


def test_there_is_an_event_for_every_one_sent(store: avon.Store, truth: dict[str, Any]) -> None:
    events = store.table("events")
    assert len(events) == truth["n_events"]
    assert counts(events["object_type"].value_counts()) == truth["n_by_object_type"]
    assert set(events["signature"]) == {"verified"}


# The figures


def test_the_default_instant_is_the_last_word(visits: avon.Cohort, truth: dict[str, Any]) -> None:
    assert visits.as_of == pd.Timestamp(truth["as_of"])


def test_the_outcomes_are_the_truth(visits: avon.Cohort, truth: dict[str, Any]) -> None:
    known = truth["outcomes"]
    (row,) = visits.outcomes()[list(known["total"])].to_dict("records")
    assert counts(row) == known["total"]
    by_month = visits.outcomes(every="month")
    told = {
        f"{row['period_on']:%Y-%m-%d}": counts({name: row[name] for name in known["total"]})
        for row in by_month.to_dict("records")
    }
    assert told == known["by_month"]


def test_the_funnel_is_the_truth(visits: avon.Cohort, truth: dict[str, Any]) -> None:
    names = list(truth["funnel"][0])
    told = visits.funnel()[names].to_dict("records")
    assert [{**counts({k: v for k, v in row.items() if k != "stage"})} for row in told] == [
        {k: v for k, v in row.items() if k != "stage"} for row in truth["funnel"]
    ]
    assert [row["stage"] for row in told] == [row["stage"] for row in truth["funnel"]]


def test_the_cancellations_are_the_truth(visits: avon.Cohort, truth: dict[str, Any]) -> None:
    known = dict(truth["cancellations"])
    (row,) = visits.cancellations().to_dict("records")
    assert row["median_notice_hours"] == pytest.approx(known.pop("median_notice_hours"), abs=1e-6)
    assert counts({name: row[name] for name in known}) == known


def test_the_replies_are_the_truth(visits: avon.Cohort, truth: dict[str, Any]) -> None:
    known = dict(truth["replies"])
    (row,) = visits.replies(hours=truth["reply_hours"]).to_dict("records")
    assert row["in_time_share_n"] == known.pop("n_followed")
    assert counts({name: row[name] for name in known}) == known


def test_every_slot_is_the_truth(
    visits: avon.Cohort, truth: dict[str, Any], sample: Loaded
) -> None:
    slots = visits.slots()
    told = {}
    for row in slots.astype(object).where(slots.notna(), None).to_dict("records"):
        whose = (row["appointment_id"], row["patient_id"] or "")
        # A visit that was moved away and back has the same start twice.
        key = (*whose, f"{row['start_at']:%Y-%m-%dT%H:%M:%SZ}", int(row["slot"]))
        notice = row["notice_hours"]
        told[key] = {
            "superseded": str(row["is_superseded"]).lower(),
            "due": str(row["is_due"]).lower(),
            "outcome": row["outcome"],
            "cancelled_by": row["cancelled_by"] or "",
            "notice_hours": "" if notice is None else f"{notice:.6f}",
        }
    known = {}
    with (sample.root / "truth_slots.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            whose = (line.pop("appointment_id"), line.pop("patient_id"))
            known[*whose, line.pop("start_at"), int(line.pop("slot"))] = line
    assert len(slots) == len(told) == len(known) == truth["outcomes"]["total"]["n_slots"]
    differing = [key for key in known if told.get(key) != known[key]]
    assert differing == []
