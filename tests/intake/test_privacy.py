"""A made-up name planted in every kind of bad line shows nowhere but in the raw store."""

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from avon_analytics.contract.one_spelling import NotJsonError, RepeatedKeyError, of_text, parse
from avon_analytics.errors import AvonError, QueryError
from avon_analytics.intake.read.diagnosis import likely_cause
from avon_analytics.intake.read.faults import Verdict
from avon_analytics.intake.read.reader import LineReader, event_of
from avon_analytics.intake.read.signature import Secrets

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

NAME = "Zebedee Quillfeather"
SECRET = "whsec_Nobody-May-Read-This"
UPDATED = {"event": "patient.updated", "created_at": 1}


def bad_lines(archive: Archive) -> Iterator[str | bytes]:
    """Lines that fail in every way, each with the name where it fails."""
    yield f'{{"body": "{NAME}'
    yield f'{{"{NAME}": 1, "{NAME}": 2}}'
    yield f'{{"body": "\\ud800 {NAME}"}}'
    yield f'{{"body": "{NAME}"}}'.encode() + b"\xff"
    yield json.dumps(NAME)
    yield json.dumps({"body": [NAME]})
    yield json.dumps({"body": NAME, "isBase64Encoded": True})
    yield json.dumps({"body": "x", "received_at": NAME})
    yield json.dumps({"body": NAME})
    yield json.dumps({"signature": NAME, "body": NAME})
    yield archive.raw({**UPDATED, "object": {"id": NAME}}, secret=NAME)
    yield json.dumps({"signature": NAME, "body": {"event": NAME}})
    yield archive.base64(NAME.encode() + b"\xff", secret=SECRET)

    def signed(body: Any) -> str:
        return str(archive.raw(body, secret=SECRET))

    yield signed(f'{{"{NAME}": ')
    yield signed(f'{{"{NAME}": 1, "{NAME}": 2}}')
    yield signed(json.dumps([NAME]))
    yield signed({"event": "", "id": {NAME: NAME}, "created_at": NAME, "object": NAME})
    wrong: dict[str, Any] = {"id": {NAME: 1}, "date_of_birth": NAME, "caregiver_only": NAME}
    wrong |= {"addresses": NAME, "custom_data": {NAME: NAME}, "created_at": [NAME]}
    wrong |= {"status_history": [NAME, {"changed_at": NAME}, {"changed_by": [NAME]}]}
    yield signed({**UPDATED, "object": wrong})
    yield signed({**UPDATED, "object": {"id": "1", "date_of_birth": {"year": NAME, NAME: 1}}})
    yield signed({**UPDATED, "event": "document.created", "object": {"id": "1", "score": NAME}})
    yield signed({**UPDATED, "event": "task.updated", "object": {"id": "1", "link_to": NAME}})
    deep = "[" * 600 + f'"{NAME}"' + "]" * 600
    yield signed(f'{{"event":"patient.updated","created_at":"{NAME}","object":{{"x":{deep}}}}}')
    yield signed({**UPDATED, "object": {"id": "1", "first_name": NAME}})
    yield signed({**UPDATED, "object": {"id": "1", "first_name": f"{NAME} again"}})


def shown(*what: Any) -> str:
    """Everything that a person may come to see of some things."""
    return "\n".join(text for one in what for text in (str(one), repr(one)))


def test_nothing_that_is_shown_holds_the_name(
    archive: Archive,
    desk: Desk,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    lines = list(bad_lines(archive))
    path = archive.write(*lines)
    receipt = desk.load(path, secrets=SECRET)
    # One line holds a whole value, and text after it that ends for itself.
    assert (receipt.loaded, receipt.quarantined) == (1, len(lines))
    quarantine = desk.store.quarantine.lines()
    told = shown(
        *(receipt, receipt.as_dict(), receipt._repr_html_()),
        *(desk.store, desk.store._repr_html_(), desk.store.tables().to_csv()),
        *(quarantine, quarantine.to_csv(), quarantine.attrs),
    )
    for table in desk.store.tables()["table"]:
        frame = desk.store.table(table)
        told += shown(frame, frame.to_csv(), frame.attrs)
    told += "".join(capfd.readouterr()) + caplog.text
    assert "Quillfeather" not in told
    assert "content" in quarantine.attrs["hidden"]

    # It is in the store all the same: nothing is lost, and who asks for it sees it.
    kept = b"\n".join(bytes(line) for line in desk.column("SELECT content FROM quarantine"))
    assert kept.count(b"Quillfeather") >= len(lines) - 1
    assert "Quillfeather" in desk.store.table("patients", identifiers=True).to_csv()


def test_no_error_holds_the_name_where_lines_are_judged(archive: Archive) -> None:
    secrets = Secrets({"one": SECRET})
    reader = LineReader("require", secrets)
    for line in bad_lines(archive):
        raw = line if isinstance(line, bytes) else line.encode()
        read = reader.read_one(raw)
        found: list[Any] = [read.verdict, read.verdict.errors if read.verdict else ""]
        if read.mismatch is not None:
            found.append(likely_cause(read.mismatch, secrets))
            judged = event_of(read.mismatch.bodies[0])
            found += [judged, judged.errors] if isinstance(judged, Verdict) else []
        text = raw.decode("utf-8", "replace")
        for read_json in (parse, lambda text: of_text(text.encode())):
            try:
                read_json(text)
            except (NotJsonError, RepeatedKeyError) as error:
                found += [error, "".join(traceback.format_exception(error))]
        assert "Quillfeather" not in shown(*found), line


def test_an_error_in_mid_load_or_in_a_query_holds_no_value(archive: Archive, desk: Desk) -> None:
    desk.take(archive.raw(archive.patient(1, first_name=NAME)))
    damaged = archive.write(name="z.jsonl.gz")
    damaged.write_bytes(b"\x1f\x8b" + NAME.encode())
    failures: tuple[tuple[Callable[[], Any], type[AvonError]], ...] = (
        (lambda: desk.load(damaged), AvonError),
        (lambda: desk.store.sql("SELECT CAST(first_name AS INTEGER) FROM patients"), QueryError),
        (lambda: desk.store.sql("SELECT error(first_name) FROM patients"), QueryError),
    )
    for fail, kind in failures:
        with pytest.raises(kind) as caught:
            fail()
        told = "".join(traceback.format_exception(caught.value))
        assert "Quillfeather" not in shown(caught.value, caught.value.args) + told


def test_a_secret_is_nowhere(
    archive: Archive, open_desk: OpenDesk, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    where = tmp_path / "clinic.duckdb"
    desk = open_desk(where)
    secrets = Secrets({"old": SECRET, "new": "whsec_Another-To-Hide"})
    lines = [*bad_lines(archive), archive.raw(archive.patient(2), secret="whsec_Another-To-Hide")]
    receipt = desk.take(*lines, secrets=secrets)
    tables = [desk.store.sql(f'SELECT * FROM "{t}"').to_csv() for t in desk.store.tables()["table"]]
    with pytest.raises(TypeError) as caught:
        pickle.dumps(secrets)
    told = shown(secrets, vars(type(secrets)), receipt, receipt.as_dict(), caught.value)
    told += "".join(tables) + "".join(capfd.readouterr())
    assert "Hide" not in told
    assert SECRET not in told
    desk.store.close()

    stored = b"".join(path.read_bytes() for path in tmp_path.glob("clinic.duckdb*"))
    assert b"Quillfeather" in stored, "the store file is raw"
    for secret in (SECRET, "whsec_Another-To-Hide"):
        assert secret.encode() not in stored
    assert where.stat().st_mode & 0o077 == 0
