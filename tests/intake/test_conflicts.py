"""One id with two contents: who wins, whatever comes first, and that nobody is lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

SEVEN, EIGHT, NINE, TEN = (f"2025-03-10T{hour:02}:00:00Z" for hour in (7, 8, 9, 10))
# Of texts that differ in white space alone one comes first by its SHA-256, another last.
SPELLINGS = [" " * n + '{"event":"patient.updated","created_at":1,' for n in range(12)]


# Who wins, how often it came, and the lines: first name, receipt, whether it is verified.
CASES: dict[str, tuple[str, int, list[tuple[str, str | None, bool]]]] = {
    "received first": ("a", 1, [("a", EIGHT, True), ("b", NINE, True)]),
    "a receipt before none": ("a", 1, [("a", TEN, True), ("b", None, True)]),
    "verified before earlier": ("a", 1, [("a", TEN, True), ("b", SEVEN, False)]),
    "of two not verified, the earlier": ("a", 1, [("a", EIGHT, False), ("b", NINE, False)]),
    "three contents": ("b", 1, [("a", NINE, True), ("b", EIGHT, True), ("c", TEN, True)]),
    "a repeat brings the earliest receipt": (
        "b",
        2,
        [("a", EIGHT, True), ("b", NINE, True), ("b", SEVEN, True)],
    ),
    "a repeat of the loser brings nothing": (
        "a",
        1,
        [("a", SEVEN, True), ("b", EIGHT, True), ("b", NINE, True)],
    ),
    "an early receipt that is not verified does not help": (
        "b",
        1,
        [("a", TEN, True), ("a", SEVEN, False), ("b", NINE, True)],
    ),
    "a late verified repeat helps": (
        "a",
        2,
        [("a", SEVEN, False), ("a", TEN, True), ("b", EIGHT, False)],
    ),
}


# How much may wait for the end of a file: everything, nothing, or about two lines.
WAITS = {"all waits": 16 << 20, "none waits": 0, "some waits": 700}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_same_content_wins_whatever_comes_first(
    archive: Archive,
    open_desk: OpenDesk,
    order: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = {
        case: [
            archive.raw(
                archive.patient(ms, first_name=name),
                received=received,
                **({} if is_verified else {"secret": None}),
            )
            for name, received, is_verified in told
        ]
        for ms, (case, (_, _, told)) in enumerate(CASES.items(), 1)
    }
    rounds = [[told[n] for told in lines.values() if n < len(told)] for n in order]
    desks = [open_desk() for _ in range(2 + len(WAITS))]
    for one_round in rounds:
        desks[0].take(*one_round, policy="record")
    at_once = [line for one_round in rounds for line in one_round]
    desks[1].take(*at_once, policy="record")
    # One transaction of many batches, each of a line or two.
    monkeypatch.setattr("avon_analytics.intake.archive.lines.READ_BYTES", 500)
    for desk, put_off_bytes in zip(desks[2:], WAITS.values(), strict=True):
        monkeypatch.setattr("avon_analytics.intake.write.writer.PUT_OFF_BYTES", put_off_bytes)
        receipt = desk.take(*at_once, policy="record", within={"batch_bytes": 1})
        assert receipt.lines == len(at_once)

    expected = {case: (winner, n) for case, (winner, n, _) in CASES.items()}
    lost = [
        line
        for case, (winner, _, told) in CASES.items()
        for line, (name, *_) in zip(lines[case], told, strict=True)
        if name != winner
    ]
    for desk in desks:
        found = desk.rows(
            "SELECT first_name, n_deliveries FROM patients_versions AS v "
            "JOIN events USING (event_id) ORDER BY v.occurred_at"
        )
        assert dict(zip(CASES, found, strict=True)) == expected
        assert set(desk.column("SELECT code FROM quarantine")) == {"conflict"}
        kept = [bytes(line).decode() for line in desk.column("SELECT content FROM quarantine")]
        assert sorted(kept) == sorted(lost)
        desk.add_up()


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_without_a_difference_in_time_the_smaller_digest_of_the_signed_bytes_wins(
    archive: Archive, open_desk: OpenDesk
) -> None:
    texts = [json.dumps(archive.patient(1, first_name=name)) for name in "abcde"]
    winner = json.loads(min(texts, key=sha))["object"]["first_name"]
    raw, other, parsed = archive.raw, archive.base64, archive.parsed
    make: list[Callable[[str], str]] = [raw, other, raw, parsed, raw]
    lines = [spell(text) for spell, text in zip(make, texts, strict=True)]
    noon = [line.replace('"body"', '"received_at": 1741608000000, "body"', 1) for line in lines]
    for told in (noon, noon[::-1]):
        desk = open_desk()
        desk.take(*told)
        assert desk.column("SELECT first_name FROM patients") == [winner]
        apart = open_desk()
        for line in told:
            apart.take(line)
        assert apart.column("SELECT first_name FROM patients") == [winner]
        apart.add_up()


def test_the_smallest_digest_counts_of_all_spellings_of_a_content(
    archive: Archive, open_desk: OpenDesk
) -> None:
    one = [start + '"object":{"id":"user_ann","first_name":"a"}}' for start in SPELLINGS]
    other = [start + '"object":{"id":"user_ann","first_name":"b"}}' for start in SPELLINGS]
    low, high = min(one, key=sha), max(one, key=sha)
    middle = next(text for text in other if sha(low) < sha(text) < sha(high))
    for order in ([high, low, middle], [high, middle, low], [middle, low, high]):
        desk = open_desk()
        for text in order:
            desk.take(archive.raw(text))
        assert desk.column("SELECT first_name FROM patients") == ["a"]
        assert desk.add_up() | {"lines": 3, "loaded": 1, "duplicate": 1} == desk.add_up()


def test_a_content_in_several_orders_of_its_keys_wins_no_more_often(
    archive: Archive, open_desk: OpenDesk
) -> None:
    def spellings(name: str) -> list[str]:
        fields = {"id": "user_ann", "object": "patient", "first_name": name, "gender": "x"}
        about = [json.dumps(dict(order)) for order in permutations(fields.items())]
        return [f'{{"event":"patient.updated","created_at":1,"object":{one}}}' for one in about]

    winner = min(spellings("a"), key=sha)
    rivals = [text for text in spellings("b") if sha(text) > sha(winner)][:2]
    for order in permutations([winner, *rivals]):
        desk = open_desk()
        for text in order:
            desk.take(archive.raw(text))
        assert desk.column("SELECT first_name FROM patients") == ["a"], order
        assert desk.add_up() | {"lines": 3, "loaded": 1, "quarantined": 2} == desk.add_up()
        assert desk.column("SELECT content IS NOT NULL FROM quarantine") == [True, True]


def test_the_receipt_of_one_load_knows_who_lost_later_in_it(archive: Archive, desk: Desk) -> None:
    late, early = (
        archive.raw(archive.patient(1, first_name=name), received=at)
        for name, at in (("late", NINE), ("early", EIGHT))
    )
    paths = [archive.write(late, name="1.jsonl"), archive.write(early, name="2.jsonl")]
    receipt = desk.load(*paths, within={"batch_bytes": 1})  # a batch for each file
    assert (receipt.loaded, receipt.quarantined) == (1, 1)
    assert receipt.quarantined_by_code == {"conflict": 1}
    assert [file.loaded for file in receipt.files] == [0, 1]
    desk.add_up()


def test_a_displaced_object_leaves_every_table(archive: Archive, desk: Desk) -> None:
    def visit(received: str, **fields: Any) -> str:
        about = {"id": "v", "last_updated_at": 1, **fields}
        return archive.raw(
            {"id": "wbhk_1", "event": "appointment.created", "object": about}, received=received
        )

    desk.take(
        visit(
            NINE,
            attendees=[{"attendee": "user_a"}, {"attendee": "user_b"}],
            status_history=[{"status": "scheduled", "changed_at": 1}],
            brand_new=1,
        )
    )
    desk.take(visit(EIGHT, timezone="UTC"))
    for table in ("appointment_attendees", "appointment_status_history"):
        assert desk.column(f"SELECT count(*) FROM {table}_versions") == [0]
    assert desk.column("SELECT timezone FROM appointments_versions") == ["UTC"]
    assert desk.rows("SELECT kind, path FROM drift ORDER BY kind") == []
    desk.add_up()


@pytest.mark.parametrize("happened", ["gone", "other bytes", "shorter", "compressed"])
def test_a_line_that_loses_when_its_file_is_no_longer_the_same(
    archive: Archive, desk: Desk, happened: str
) -> None:
    """The quarantine never holds bytes that are not the line's."""
    line = archive.raw(archive.patient(1, first_name="b"), received=NINE)
    path = archive.write(line)
    desk.load(path)
    match happened:
        case "gone":
            path.unlink()
        case "other bytes":
            path.write_bytes(b"x" * 5000)
        case "shorter":
            path.write_bytes(b"x")
        case "compressed":
            path.write_bytes(b"\x1f\x8b not really")
    desk.take(archive.raw(archive.patient(1, first_name="a"), received=EIGHT))
    assert desk.column("SELECT first_name FROM patients") == ["a"]
    ((code, content, length),) = desk.rows("SELECT code, content, byte_length FROM quarantine")
    assert (code, length) == ("conflict", len(line))
    assert content is None or bytes(content) == line.encode()
    desk.add_up()
