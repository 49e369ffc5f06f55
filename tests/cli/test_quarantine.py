"""The commands ``quarantine …`` and ``forget`` as processes: what they print and how they end."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from random import Random
from typing import Any

import avon_analytics as avon

ONLY_ONE = "only.toml"


def load_under_one_secret(run: Any, tiny: Any) -> None:
    """The tiny clinic, of whose secrets one was not given."""
    lines = tiny.secrets.read_text().splitlines()
    (run.folder / ONLY_ONE).write_text(lines[-1] + "\n")
    assert run("load", tiny.archive, "--secrets-file", ONLY_ONE).code == 0


def mismatches(run: Any) -> list[dict[str, Any]]:
    listed = run("quarantine", "list", "--code", "signature_mismatch", "--format", "json")
    assert (listed.code, listed.err) == (0, "")
    found: list[dict[str, Any]] = listed.json()
    return found


def test_the_list_says_in_words_why_a_line_did_not_load(run: Any, tiny: Any) -> None:
    codes = ("--code", "unsigned", "--code", "not_json")
    assert run("quarantine", "list", *codes, "--db", tiny.db, "--out", "list.txt").code == 0
    lines = (run.folder / "list.txt").read_text().splitlines()[1:]
    assert any("unsigned" in line and "there is no signature" in line for line in lines)
    assert any("not_json" in line and line.rstrip().endswith("not JSON") for line in lines)
    whole = run("quarantine", "list", "--db", tiny.db, COLUMNS="80").out
    assert "another line of this" in whole  # what is longer goes on below itself
    assert "…\n" not in whole.replace(" ", "")
    listed = run("quarantine", "list", *codes, "--db", tiny.db, "--format", "json").json()
    assert {one["cause"] for one in listed} == {None}  # of these nothing likelier is known


def test_list_show_export_replay(run: Any, tiny: Any) -> None:
    load_under_one_secret(run, tiny)
    before = mismatches(run)
    assert len(before) > 50
    first = before[0]
    shown = run("quarantine", "show", Path(first["file"]).name, first["line"])
    assert (shown.code, shown.err) == (0, "")
    for told in (first["file"], "Byte offset", "signature_mismatch", "expected the HMAC-SHA256"):
        assert told in shown.out
    (as_json,) = run("quarantine", "show", first["file"], first["line"], "--json").json()
    assert as_json["errors"][0]["code"] == "signature_mismatch"
    assert "content" not in as_json
    raw = run("quarantine", "show", first["file"], first["line"], "--identifiers", "--json")
    assert json.loads(raw.json()[0]["content"])

    only = ("--code", "signature_mismatch")
    to_file = run("quarantine", "export", *only, "--out", "raw.jsonl")
    assert (to_file.code, to_file.out) == (0, "")
    assert f"wrote {len(before):,} lines" in to_file.err
    exported = run.folder / "raw.jsonl"
    assert stat.S_IMODE(os.stat(exported).st_mode) == 0o600
    piped = run("quarantine", "export", *only)
    assert (piped.out.encode(), piped.err) == (exported.read_bytes(), "")
    secrets = ("--secrets-file", tiny.secrets)
    again = run("load", exported, *secrets, "--db", "other.duckdb", "--json").json()
    assert again["lines"] == len(before)
    assert again["loaded"] > 50

    done = run("quarantine", "replay", *only, *secrets, "--json").json()
    assert done["loaded"] == again["loaded"]
    assert done["tried"] == done["loaded"] + done["duplicate"] + done["quarantined"]
    assert len(mismatches(run)) == again["quarantined_by_code"].get("signature_mismatch", 0)
    rest = run("quarantine", "replay", *secrets, "--json").json()
    assert rest["loaded"] == 2  # parsed bodies that can be verified as they stand
    store = avon.open(run.folder / "avon.duckdb")
    assert len(store.table("events")) == tiny.receipt.events
    told = run("quarantine", "replay", *secrets)
    assert (told.code, told.out.split("\n")[1].split()) == (0, ["loaded", "0", "new", "events"])


def test_what_these_commands_refuse(run: Any, tiny: Any) -> None:
    tiny.copy(run.folder / "avon.duckdb")
    for code, arguments in (
        (2, ("quarantine", "list", "--code", "mismatch")),
        (2, ("quarantine", "list", "--file", "other.jsonl")),
        (2, ("quarantine", "show", "other.jsonl", "1")),
        (2, ("quarantine", "replay")),
        (2, ("quarantine", "export", "--out", "no-folder/x")),
        (4, ("quarantine", "export", "--db", "none.duckdb")),
        (4, ("quarantine", "replay", "--secrets-file", tiny.secrets, "--db", "none.duckdb")),
        (4, ("forget", "user_1", "--db", "none.duckdb")),
        (2, ("forget", "user_null")),
    ):
        told = run(*arguments)
        assert (told.code, told.out) == (code, ""), arguments
        assert told.is_told_in_a_sentence, arguments
    assert not (run.folder / "none.duckdb").exists()


def test_forget(run: Any, tiny: Any) -> None:
    db = tiny.copy(run.folder / "avon.duckdb")
    patient = avon.open(db).sql(
        "SELECT a.attendee FROM appointment_attendees AS a JOIN patients AS p ON p.id = a.attendee "
        "ORDER BY ALL LIMIT 1"
    )["attendee"][0]
    done = run("forget", patient.removeprefix("user_"), "--json")
    assert (done.code, done.err) == (0, "")
    receipt = done.json()
    assert receipt["was_known"]
    assert receipt["removed"]["people_versions"] >= 1
    assert patient not in str([avon.open(db).table(t).to_csv() for t in ("patients", "events")])
    assert patient.encode() not in db.read_bytes()
    # A nightly load of the same archive stays green, also when it is strict about the rest.
    new = run.folder / "new.jsonl"
    line = {"event": "patient.updated", "created_at": 1, "object": {"id": patient}}
    new.write_text(json.dumps(line) + "\n")
    loaded = run("load", new, "--policy", "skip", "--strict", "--json")
    assert (loaded.code, loaded.json()["quarantined_by_code"]) == (0, {"forgotten": 1})
    shown = run("quarantine", "show", "new.jsonl", 1).out
    assert re.search(r"^SHA-256 +–$", shown, re.MULTILINE)  # of the line nothing is kept
    unknown = run("forget", "user_whom_nobody_knows")
    assert unknown.code == 0
    assert "nothing of this id was found; it is marked all the same" in unknown.err
    assert "is it spelled as Avon spells it?" in unknown.out
    for asked in (patient, "user_whom_nobody_knows"):
        again = run("forget", asked)
        assert again.code == 0
        assert "nothing of this id was found; it was forgotten before" in again.err
        assert "This id was forgotten before" in again.out
        assert "spelled" not in again.out


def test_killed_while_forgetting(run: Any, tiny: Any) -> None:
    """Whole or gone, never in between; the same command ends it, and leaves nothing behind."""
    with avon.open(tiny.db) as whole:
        patient = str(whole.table("patients")["id"][0])
        about = "SELECT count(*) AS n FROM events WHERE object_id = $id"
        before = int(whole.sql(about, id=patient)["n"][0])
    usual = run("forget", patient, "--db", tiny.copy(run.folder / "usual.duckdb")).seconds
    random, killed = Random(20260101), 0
    for number in range(8):
        folder = run.folder / f"killed-{number}"
        folder.mkdir()
        db = tiny.copy(folder / "avon.duckdb")
        ended = run("forget", patient, "--db", db, kill_after=random.uniform(0.02, usual))
        killed += ended.code == -9
        assert int(avon.open(db).sql(about, id=patient)["n"][0]) in (0, before)
        assert run("forget", patient, "--db", db).code == 0
        left = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert patient.removeprefix("user_").encode() not in left
        assert [path.name for path in folder.iterdir()] == ["avon.duckdb"]
    assert killed >= 3


def test_a_store_that_is_held_is_not_half_forgotten(run: Any, tiny: Any) -> None:
    """A reader in another process keeps the writer out: a sentence, and nothing has changed."""
    db = tiny.copy(run.folder / "avon.duckdb")
    with avon.open(db) as store, store._database.reading():
        told = run("forget", "user_1", "--db", db)
    assert (told.code, told.is_told_in_a_sentence) == (4, True)
    assert "in use by another process" in told.err
