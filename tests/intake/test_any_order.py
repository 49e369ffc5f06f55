"""Tables depend on the set of lines alone: any order, split, compression and number of loads."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from avon_analytics.store.frames import frame
from avon_analytics.store.tables import object_tables

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Asked, Desk, OpenDesk

COMPRESS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("", bytes),
    (".gz", gzip.compress),
    (".zst", zstandard.compress),
    (".bz2", bz2.compress),
]
# Of the events only the place may differ: it is that of the earliest receipt, wherever that is.
PLACE = {"file", "line", "byte_offset", "byte_length"}
MOMENTS = [None, *(f"2025-03-10T0{hour}:00:00Z" for hour in range(4))]

ANN = {
    "id": "ann",
    "object": "patient",
    "date_of_birth": {"year": 1980, "month": 1, "day": 2},
    "custom_data": [{"key": "cfld_a", "value": 1.5}, {"key": "cfld_b", "value": None}],
    "caregivers": ["user_bea"],
    "new_field": {"a": [1, "é"], "b": 1.5},
}
VISIT = {
    "id": "appt_v",
    "start_time": 1741608000000,
    "attendees": [{"attendee": "user_ann", "no_show": False}, {"attendee": "user_dr"}],
    "status_history": [
        {"status": "scheduled", "changed_at": "2025-03-01T10:00:00.99+00:00"},
        {"status": "cancelled", "changed_at": "2025-03-02T10:00:00Z", "changed_by": "user_ann"},
    ],
    "location": {"city": "Avon", "floor": 3},
}
# Events that say by themselves when they occurred.
DATED: list[dict[str, Any]] = [
    {"event": "patient.created", "created_at": 1, "object": ANN},
    {"event": "patient.updated", "created_at": 1, "object": {**ANN, "timezone": "UTC"}},
    {"id": "wbhk_1", "event": "appointment.created", "created_at": 2, "object": VISIT},
    {"event": "appointment.in_progress", "created_at": "2025-03-01T10:00:00Z", "object": VISIT},
    {"event": "invoice.paid", "created_at": 4, "tenant": 7, "object": {"id": "inv_1", "sum": 5}},
    {"id": "wbhk_2", "event": "appointment.updated", "object": {**VISIT, "last_updated_at": 5}},
]
# What comes with nothing but a delivery id occurred when it was first received.
UNDATED: list[dict[str, Any]] = [
    {"id": "wbhk_3", "event": "message.created", "object": {"id": "msg_1", "created_at": 9}},
    {"id": "wbhk_4", "event": "task.updated", "object": {"id": "task_1", "tags": ["a", "b"]}},
]
# Other contents for ids of above.
RIVALS: list[dict[str, Any]] = [
    {"event": "patient.created", "created_at": 1, "object": {"id": "user_ann", "gender": "x"}},
    {"id": "wbhk_1", "event": "task.updated", "created_at": 3, "object": {"id": "task_2"}},
    {"id": "wbhk_3", "event": "message.created", "object": {"id": "msg_1", "created_at": 8}},
]
BATCHES: dict[str, list[float]] = {
    "archive.lines.READ_BYTES": [4 << 20, 500],
    "read.read_lines.READ_AT_A_TIME": [1000, 3],
    "write.writer._WAITING_SHARE": [0.1, 1],
    "write.writer.PUT_OFF_BYTES": [4 << 20, 700, 0],
    "write.staging._FEW": [4000, 2, 0],
    "write.event_rows._MOST_WAITING_BYTES": [16 << 20, 0],
}
JUNK = ["", "   ", "{", '{"body": 5}', "[1]", '{"a": 1, "a": 2}']


@st.composite
def deliveries(
    draw: st.DrawFn,
    archive: Archive,
    bodies: list[dict[str, Any]],
    *,
    forms: tuple[str, ...] = ("raw",),
    secrets: tuple[str | None, ...] = ("one",),
    moments: list[str | None] = MOMENTS[1:],
) -> str:
    """A line: a body in some spelling and form, signed somehow, received at some time."""
    body = draw(st.sampled_from(bodies))
    if draw(st.booleans()):
        body = backwards(body)
    text = json.dumps(body, indent=draw(st.sampled_from([None, 0])))
    if draw(st.booleans()):
        text = text.replace("1.5", "1.50").replace(": 7", ": 7.0")
    secret = draw(st.sampled_from(secrets))
    match draw(st.sampled_from(forms)):
        case "raw":
            return str(archive.raw(text, secret=secret, received=draw(st.sampled_from(moments))))
        case "base64":
            return str(archive.base64(text, secret=secret or "none of them"))
        case "parsed":
            return str(archive.parsed(text.replace("\n", ""), secret=secret))
        case _:
            return text.replace("\n", "")


def backwards(value: Any) -> Any:
    """The same with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: backwards(inner) for key, inner in reversed(value.items())}
    return [backwards(one) for one in value] if isinstance(value, list) else value


def content(desk: Asked) -> dict[str, list[str]]:
    """Everything that must not depend on the order, JSON as it is spelled, as sorted text."""
    names = ["events", "other_objects"]
    for table in object_tables():
        names += [table.name, table.versions]
    counts = " UNION ALL ".join(f"SELECT '{n}', count(*) FROM \"{n}\"" for n in names)
    found = {}
    for name, n in desk.rows(counts):
        if n:
            with desk.store._database.reading() as connection:
                rows = frame(connection, f'SELECT * FROM "{name}"').to_dict("records")
            found[name] = sorted(
                str({key: x for key, x in row.items() if key not in PLACE}) for row in rows
            )
    return found


def load_somehow(draw: st.DrawFn, archive: Archive, desk: Asked, lines: list[str]) -> None:
    """Load lines in any order, in up to three files, compressed or not, in up to three loads.

    A file is one batch or many; what tells of stored events waits for its end, or does not, and so
    does what a batch has few of.
    """
    order = draw(st.permutations(lines))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=2)))
    paths: list[Path] = []
    for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
        suffix, compress = draw(st.sampled_from(COMPRESS))
        path: Path = archive.write(*order[start:end], name=f"part-{len(paths)}.jsonl{suffix}")
        path.write_bytes(compress(path.read_bytes()))
        paths.append(path)
    how: dict[str, Any] = {"policy": "record", "secrets": {"first": "one", "second": "two"}}
    with pytest.MonkeyPatch.context() as patch:
        for name, choices in BATCHES.items():
            patch.setattr(f"avon_analytics.intake.{name}", draw(st.sampled_from(choices)))
        if draw(st.booleans()):
            desk.load(draw(st.sampled_from(paths)), within={"batch_bytes": 1}, **how)
        if draw(st.booleans()):
            desk.load(*draw(st.permutations(paths)), within={"batch_bytes": 1}, **how)
        desk.load(*paths, **how)


def check(
    data: st.DataObject, archive: Archive, once: Desk, somehow: Asked, lines: list[str]
) -> None:
    once.take(*lines, policy="record", secrets={"first": "one", "second": "two"})
    data.draw(st.composite(lambda draw: load_somehow(draw, archive, somehow, lines))())
    assert content(somehow) == content(once)
    found = somehow.add_up()
    blank = sum(not line.strip() for line in lines)
    assert (found["lines"], found["blank"]) == (len(lines), blank)
    assert found == once.add_up()
    for desk in (once, somehow):
        desk.close()


KINDS: dict[str, tuple[int, dict[str, Any]]] = {
    "events that were repeated": (4, {"bodies": DATED}),
    "in every form, some without a receipt": (
        3,
        {"bodies": DATED, "forms": ("raw", "base64", "parsed", "bare"), "moments": MOMENTS},
    ),
    "signed in several ways": (3, {"bodies": DATED, "secrets": ("one", "two", "another", None)}),
    "without an instant of their own": (3, {"bodies": UNDATED}),
    "with two contents": (3, {"bodies": [*DATED, *RIVALS]}),
    "all of it": (
        4,
        {
            "bodies": [*DATED, *UNDATED, *RIVALS],
            "forms": ("raw", "raw", "parsed", "bare"),
            "secrets": ("one", "two", "another", None),
            "moments": MOMENTS,
        },
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_lines_give_the_same_tables(
    archive: Archive, open_desk: OpenDesk, kind: str
) -> None:
    examples, how = KINDS[kind]
    lines = st.one_of(
        *[deliveries(archive, **how)] * 4,
        st.sampled_from(JUNK),
    )

    # Not made smaller: each example loads several stores, and the lines are few.
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        told = data.draw(st.lists(lines, min_size=12, max_size=30))
        check(data, archive, open_desk(), open_desk(), told)

    run()
