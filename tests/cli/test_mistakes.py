"""What a user can cause: a sentence that says what to do, the right exit code, no traceback."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest

import avon_analytics as avon

USAGE, QUARANTINED, BAD_INPUT = 2, 3, 4


# No secret, a wrong secret


def test_without_a_secret_nothing_is_read(run: Any, tiny: Any) -> None:
    told = run("load", tiny.archive)
    assert (told.code, told.out) == (USAGE, "")
    assert told.is_told_in_a_sentence
    for way in ("AVON_WEBHOOK_SECRET", "--secrets-file", "--policy skip"):
        assert way in told.err
    assert not (run.folder / "avon.duckdb").exists()
    assert run("verify", tiny.archive).code == USAGE
    assert run("load", tiny.archive, AVON_WEBHOOK_SECRET="").code == USAGE


@pytest.mark.parametrize("command", ["load", "verify"])
def test_a_wrong_path_is_reported_before_a_missing_secret(run: Any, command: str) -> None:
    told = run(command, "nowhere")
    assert (told.code, "there is no file or folder nowhere" in told.err) == (BAD_INPUT, True)
    assert "secret" not in told.err


@pytest.mark.parametrize(
    ("option", "word", "hint"),
    [("--every", "monht", " Did you mean 'month'?"), ("--every", "x", "")],
)
def test_a_word_that_an_option_does_not_know_is_answered_with_the_nearest(
    run: Any, option: str, word: str, hint: str
) -> None:
    told = run("outcomes", option, word)
    said = " ".join(told.err.replace("│", " ").split())
    assert told.code == USAGE
    assert f"Invalid value for '{option}': '{word}' is not one of '" in said
    assert said.count("Did you mean") == bool(hint)
    assert hint in said


def test_a_period_that_is_not_known_is_answered_as_in_python(run: Any, tiny: Any) -> None:
    for word, hint in (
        ("lastmonth", "Did you mean 'last-month'?"),
        ("this-month", "Give its first day, 2025-11-01, as start."),
    ):
        told = run("outcomes", "--db", tiny.db, "--period", word)
        assert (told.code, hint in told.err) == (USAGE, True)
        other = run("compare", "--db", tiny.db, "--other-period", word)
        assert (other.code, hint in other.err) == (USAGE, True)


def test_a_store_without_events_says_so(run: Any, tiny: Any) -> None:
    archive = tiny.archive / "2025" / "q4"
    run("load", archive, AVON_WEBHOOK_SECRET="not-the-secret")
    for form in ("table", "csv"):
        told = run("outcomes", "--format", form)
        assert (told.code, told.err.count("the store holds no events yet")) == (0, 1)
        assert "avon-analytics load PATH" in told.err
    assert run("load", archive, "--secrets-file", tiny.secrets).code == 0
    assert "no events" not in run("outcomes").err


def test_a_load_of_what_is_known_names_unchanged_files(run: Any, tiny: Any) -> None:
    load = ("load", tiny.archive / "2025" / "q4", "--secrets-file", tiny.secrets)
    first, second = run(*load).out, run(*load).out
    assert (first.split()[:2], "Lines read" in second) == (["Lines", "read"], False)
    assert re.match(r"Files unchanged +3  loaded before, not read again; 1 passed over\n", second)


def test_a_wrong_secret_is_told_first_and_loudly(run: Any, tiny: Any) -> None:
    archive = tiny.archive / "2025" / "q4"
    told = run("load", archive, AVON_WEBHOOK_SECRET="not-the-secret")
    assert told.code == QUARANTINED
    said = [line for line in told.err.splitlines() if line.startswith("avon-analytics:")]
    assert "NOT ONE LINE could be trusted" in said[0]
    assert (told.out + told.err).count("NOT ONE LINE") == 1
    assert "was it signed with another secret?" not in told.out  # not of every file besides
    assert "not-the-secret" not in told.out + told.err
    receipt = told.out
    assert "signature_mismatch" in receipt
    assert avon.open(run.folder / "avon.duckdb").sql("SELECT * FROM events").empty
    assert receipt.startswith("Lines read")
    assert "(tried the secret AVON_WEBHOOK_SECRET)" in said[0]
    # The same on every later load, whose files are unchanged or looked into all the same, with
    # other wrong secrets, and as JSON or for a report; the right secret mends it.
    wrong = {"AVON_WEBHOOK_SECRET": "not-the-secret"}
    assert run("load", archive, **wrong).code == QUARANTINED
    assert run("load", archive, "--recheck", **wrong).code == QUARANTINED
    as_json = run("load", archive, "--json", **wrong)
    assert (as_json.code, as_json.json()["nothing_trusted"]) == (QUARANTINED, True)
    assert run("report", archive, **wrong).code == QUARANTINED
    file = run.folder / "wrong.toml"
    file.write_text('one = "not-the-secret"\ntwo = "nor-this-one"\n')
    told = run("load", archive, "--secrets-file", file)
    assert (told.code, "tried the secrets one, two" in told.err) == (QUARANTINED, True)
    recorded = run("load", archive, "--policy", "record", "--db", "recorded.duckdb", **wrong)
    assert (recorded.code, "NOT ONE LINE" in recorded.err) == (QUARANTINED, True)
    assert run("load", archive, "--secrets-file", tiny.secrets).code == 0
    told = run("verify", archive, AVON_WEBHOOK_SECRET="not-the-secret")
    assert told.code == QUARANTINED
    assert "right webhook secret" in told.err
    assert "(tried: AVON_WEBHOOK_SECRET)" in told.err


def test_a_file_of_another_secret_among_right_ones_is_told_and_fails_nothing(
    run: Any, tiny: Any
) -> None:
    """One exporter's files are signed with a secret that nobody gave: the rest is trusted."""
    load = ("load", tiny.archive, "--secrets-file")
    only = run.folder / "only.toml"
    lines = tiny.secrets.read_text().splitlines()
    only.write_text(lines[-1] + "\n")
    told = run(*load, only)
    assert (told.code, "NOT ONE LINE" in told.out + told.err) == (0, False)
    assert "signatures matched: was it signed with another secret?" in told.out
    assert run(*load, only, "--strict").code == 0  # nothing was read
    assert run(*load, tiny.secrets).code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("this is no TOML but a-secret-text", "is not TOML"),
        ('nested = {"a" = "a-secret-text"}\n', "must hold lines"),
        ("number = 5\n", "must hold lines"),
        ("", "must hold lines"),
        ("\x00\x01", "is not TOML"),
        ("a = " + "[" * 5_000, "is not TOML"),
        ("a = " + "7" * 5_000, "is not TOML"),
    ],
)
def test_a_secrets_file_that_cannot_be_used(
    run: Any, tiny: Any, text: str | None, words: str
) -> None:
    file = run.folder / "secrets.toml"
    if text is not None:
        file.write_text(text)
    told = run("load", tiny.archive, "--secrets-file", file)
    assert told.code == BAD_INPUT
    assert told.is_told_in_a_sentence
    assert words in told.err
    assert "a-secret-text" not in told.err
    assert not (run.folder / "avon.duckdb").exists()


def test_a_secrets_file_may_begin_with_a_mark(run: Any, tiny: Any) -> None:
    file = run.folder / "secrets.toml"
    file.write_text(tiny.secrets.read_text("utf-8"), encoding="utf-8-sig")
    assert run("load", tiny.archive, "--secrets-file", file).code == 0


@pytest.mark.parametrize("option", ["--secrets-file", "--labels"])
def test_what_a_person_wrote_is_not_endless(run: Any, tiny: Any, option: str) -> None:
    with (run.folder / "zeros").open("wb") as file:
        file.truncate((16 << 20) + 1)
    report = ("report", tiny.archive, "--secrets-file", tiny.secrets)
    for name in ("zeros", "/dev/zero"):
        told = run(*report, option, name)
        assert (told.code, told.is_told_in_a_sentence) == (BAD_INPUT, True)
        assert f"file {name}: it holds more than 16 MiB" in told.err


def test_a_secrets_file_that_is_a_folder(run: Any, tiny: Any) -> None:
    told = run("load", tiny.archive, "--secrets-file", run.folder)
    assert (told.code, told.is_told_in_a_sentence) == (BAD_INPUT, True)


# Archives


def _nothing(folder: Path) -> Path:
    return folder / "nowhere"


def _no_match(folder: Path) -> Path:
    return folder / "*.jsonl"


def _no_archive_file(folder: Path) -> Path:
    (folder / "notes").mkdir()
    (folder / "notes" / "readme.txt").write_text("nothing here")
    return folder / "notes"


def _damaged(folder: Path) -> Path:
    file = folder / "damaged.jsonl.gz"
    file.write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03broken")
    return file


def _cut_short(folder: Path) -> Path:
    import gzip

    file = folder / "cut.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"event": 1}\n' * 50_000)[:-20])
    return file


def _unreadable(folder: Path) -> Path:
    file = folder / "secret.jsonl"
    file.write_text("{}\n")
    file.chmod(0)
    return file


def _a_link_to_itself(folder: Path) -> Path:
    (folder / "loop.jsonl").symlink_to(folder / "loop.jsonl")
    return folder / "loop.jsonl"


def _on_a_failing_disk(folder: Path) -> Path:
    (folder / "failing.jsonl").symlink_to("/proc/self/mem")  # can be opened, and not be read
    return folder / "failing.jsonl"


@pytest.mark.parametrize(
    "make",
    [
        *(_nothing, _no_match, _no_archive_file, _damaged, _cut_short, _unreadable),
        *(_a_link_to_itself, _on_a_failing_disk),
    ],
)
def test_an_archive_that_cannot_be_read(run: Any, make: Callable[[Path], Path]) -> None:
    path = make(run.folder)
    for command in (("load", path, "--policy", "skip"), ("verify", path)):
        told = run(*command, no_override=True, AVON_WEBHOOK_SECRET="x")
        assert told.code == BAD_INPUT
        assert told.is_told_in_a_sentence
        assert path.name in told.err or "no archive file" in told.err
        assert told.out == ""


def test_files_before_a_damaged_one_stay(run: Any, tiny: Any) -> None:
    """A file is loaded whole or not at all; what is said of the others is so."""
    good = next(tiny.archive.rglob("2025-11-webhooks.jsonl"))
    (run.folder / "in").mkdir()
    (run.folder / "in" / "a.jsonl").write_bytes(good.read_bytes())
    _cut_short(run.folder / "in")
    told = run("load", "in", "--secrets-file", tiny.secrets)
    assert (told.code, told.is_told_in_a_sentence) == (BAD_INPUT, True)
    store = avon.open(run.folder / "avon.duckdb")
    files = store.table("archive_files")["file"].tolist() if store._database.exists else []
    whole = [str(run.folder / "in" / "a.jsonl")]
    assert files in ([], whole)
    (run.folder / "in" / "cut.jsonl.gz").unlink()
    assert run("load", "in", "--secrets-file", tiny.secrets).code == 0
    assert store.table("archive_files")["file"].tolist() == whole


# Stores


def test_a_store_that_is_not_there(run: Any) -> None:
    for command in ("outcomes", "tables", "report", ("sql", "SELECT 1"), ("quarantine", "list")):
        words = (command,) if isinstance(command, str) else command
        told = run(*words, "--db", "none.duckdb")
        assert (told.code, told.out) == (BAD_INPUT, "")
        assert told.is_told_in_a_sentence
        assert "load an archive into it first" in told.err
        assert not (run.folder / "none.duckdb").exists()


def _text(path: Path) -> str:
    path.write_text("not a store at all\n" * 500)
    return "is not a DuckDB file"


def _folder(path: Path) -> str:
    path.mkdir()
    return "is a folder"


def _other(path: Path) -> str:
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE a (b INTEGER)")
    return "no store of avon_analytics"


def _newer(path: Path) -> str:
    with avon.open(path) as store, store._database.writing() as connection:
        connection.execute("UPDATE settings SET value = '99' WHERE name = 'schema_version'")
    return "upgrade avon_analytics"


def _forbidden(path: Path) -> str:
    with avon.open(path) as store, store._database.writing():
        pass
    path.chmod(0)
    return "no permission"


def _pipe(path: Path) -> str:
    os.mkfifo(path)
    return "a pipe or a device"


def _pipe_beside(path: Path) -> str:
    with avon.open(path) as store, store._database.writing():
        pass
    os.mkfifo(f"{path}.wal")
    return f"{path.name}.wal is a pipe or a device"


@pytest.mark.parametrize("make", [_text, _folder, _other, _newer, _forbidden, _pipe, _pipe_beside])
def test_a_store_that_cannot_be_used(run: Any, tiny: Any, make: Callable[[Path], str]) -> None:
    path = run.folder / "given.duckdb"
    words = make(path)
    for command in (("load", tiny.archive, "--policy", "skip"), ("outcomes",), ("sql", "SELECT 1")):
        told = run(*command, "--db", path, no_override=True)
        assert (told.code, told.out) == (BAD_INPUT, "")
        assert told.is_told_in_a_sentence
        assert words in told.err


@pytest.mark.parametrize("table", ["deliveries", "events", "people_versions"])
def test_a_store_that_lost_a_table(run: Any, tiny: Any, table: str) -> None:
    """As where somebody dropped it with a tool of another maker."""
    path = run.folder / "avon.duckdb"
    run("load", tiny.archive, "--policy", "skip")
    with duckdb.connect(path) as connection:
        connection.execute(f"DROP TABLE stored.{table} CASCADE")
    load = ("load", tiny.archive, "--policy", "skip", "--recheck")
    commands: dict[str, list[tuple[Any, ...]]] = {
        "deliveries": [load, ("quality",), ("report", "--out", "r.html")],
        "events": [load, ("outcomes",), ("tables",), ("explain", "appt_1")],
        "people_versions": [("outcomes",), ("tables",), ("quality",)],
    }
    for command in commands[table]:
        told = run(*command)
        assert (told.code, told.out) == (BAD_INPUT, ""), command
        assert told.is_told_in_a_sentence
        assert f"is damaged: its table {table} is missing" in told.err


def test_a_store_in_a_folder_that_is_not_there(run: Any, tiny: Any) -> None:
    told = run("load", tiny.archive, "--policy", "skip", "--db", "no/such/avon.duckdb")
    assert (told.code, told.out, told.is_told_in_a_sentence) == (BAD_INPUT, "", True)
    assert "there is no folder no/such" in told.err


def test_a_store_in_a_folder_that_cannot_be_written(run: Any, tiny: Any) -> None:
    folder = run.folder / "shut"
    folder.mkdir()
    tiny.copy(folder / "store.duckdb")
    folder.chmod(0o555)
    told = run(
        *("load", tiny.archive, "--policy", "skip", "--db", folder / "new.duckdb"), no_override=True
    )
    assert (told.code, told.is_told_in_a_sentence) == (BAD_INPUT, True)
    assert "no permission" in told.err
    told = run("outcomes", "--db", folder / "store.duckdb", no_override=True)
    assert told.code == 0, "reading needs no right to write"
    folder.chmod(0o755)
    told = run("load", tiny.archive, "--policy", "skip", "--db", "no/such/folder.duckdb")
    assert (told.code, told.is_told_in_a_sentence) == (BAD_INPUT, True)


def test_a_store_in_a_folder_that_cannot_be_entered(run: Any, tiny: Any) -> None:
    folder = run.folder / "shut"
    folder.mkdir()
    tiny.copy(folder / "store.duckdb")
    folder.chmod(0)
    for command in (
        *(("outcomes",), ("tables",), ("sql", "SELECT 1"), ("report", "--out", "report.html")),
        *(("quarantine", "list"), ("quarantine", "replay", "--policy", "skip")),
        *(("forget", "user_1"), ("load", tiny.archive, "--policy", "skip")),
    ):
        told = run(*command, "--db", folder / "store.duckdb", no_override=True)
        assert (told.code, told.out, told.is_told_in_a_sentence) == (BAD_INPUT, "", True), command
        assert "no permission" in told.err
    folder.chmod(0o755)


def test_a_store_that_another_process_writes(run: Any, tiny: Any) -> None:
    path = tiny.copy(run.folder / "busy.duckdb")
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('BEGIN'); "
        "c.execute('CREATE TABLE t AS SELECT 1'); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        for command in (("load", tiny.archive, "--policy", "skip", "--wait", "1"), ("tables",)):
            told = run(*command, "--db", path)
            assert (told.code, told.is_told_in_a_sentence) == (BAD_INPUT, True)
            assert f"PID {holder.pid}" in told.err
        holder.stdin.close()
        holder.wait(30)
    assert run("tables", "--db", path).code == 0


# Wrong words


@pytest.mark.parametrize(
    ("words", "suggested"),
    [
        (("outcmes",), "'outcomes'"),
        (("quarantine", "lst"), "'list'"),
        (("outcomes", "--evry", "month"), "--every"),
        (("outcomes", "--every", "moth"), "'month'"),
        (("signals", "no_show_share"), "Did you mean --share"),
        (("outcomes", "--store", "x"), "(Possible options: --db)"),
        (("slots", "--until", "2025-01-31"), "(Possible options: --end)"),
        (("slots", "--by", "host"), "(Possible options: --where)"),
        (("--db", "x", "outcomes"), "options follow the command (COMMAND --db …)"),
        (("quarantine", "--db", "x", "list"), "options follow the command (COMMAND --db …)"),
        (("--versio",), "(Possible options: --version)"),
        (("funnel", "--every", "month"), "one window after the other"),
        (("quarantine", "show", "none.jsonl", "1"), "'quarantine list'"),
        (("outcomes", "--by", "hosst"), "Did you mean 'host'"),
        (("outcomes", "--by", "Weekday"), "Did you mean 'weekday'"),
        (("outcomes", "--by", "providr"), "Did you mean 'host'"),
        (("outcomes", "--by", "montth"), "(--every month)"),
        (("outcomes", "--every", "annual"), "Did you mean 'year'"),
        (("slots", "--where", "outcome=no-show"), "Did you mean 'no_show'"),
        (("outcomes", "--where", "hots=user_1"), "Did you mean 'host'"),
        (("outcomes", "--where", "host"), "GROUPING=VALUE"),
        (("outcomes", "--format", "excel"), "'csv'"),
        (("outcomes", "--basis", "boked"), "Did you mean 'booked'"),
        (("funnel", "--unit", "slots"), "Did you mean 'slot'"),
        (("outcomes", "--on", "begin"), "'start'"),
        (("outcomes", "--start", "2025-02-30"), "has no day 2025-02-30"),
        (("outcomes", "--start", "30.1.2025"), "2025-01-31"),
        (("outcomes", "--as-of", "yesterday"), "2025-01-31"),
        (("outcomes", "--by", "reason"), "Choices: "),
        (("load", "x", "--policy", "trust"), "'require'"),
        (("load", "x", "--policy", "skip", "--time-zone", "Mars"), "America/New_York"),
        (("load",), "PATH"),
        (("sql",), "QUERY"),
        (("sample",), "OUT"),
        (("sample", "x", "--appointments", "0"), "--appointments"),
    ],
)
def test_a_wrong_word_is_wrong_usage_and_the_right_one_is_told(
    run: Any, tiny: Any, words: tuple[str, ...], suggested: str
) -> None:
    has_store = words[0] in ("outcomes", "funnel", "slots") or words[1:2] == ("show",)
    told = run(*words, *(("--db", tiny.db) if has_store else ()), COLUMNS="200")
    assert (told.code, told.out) == (USAGE, "")
    assert "Traceback" not in told.err
    assert suggested in told.err


def test_a_query_that_cannot_be_run(run: Any, tiny: Any) -> None:
    for query, words in (
        ("SELECT * FROM evnts", 'Did you mean "events"'),
        ("DELETE FROM events", "read-only"),
        ("SELECT * FROM read_csv('/etc/passwd')", "out of reach"),
        ("SELECT first_name::INTEGER FROM patients", "try_cast"),
        ("", "one query"),
    ):
        told = run("sql", query, "--db", tiny.db)
        assert (told.code, told.out) == (BAD_INPUT, "")
        assert told.is_told_in_a_sentence
        assert words in told.err


# Places that cannot be written

TOO_LONG = "x" * 300


@pytest.mark.parametrize(
    ("form", "place"),
    [
        *product(("table", "parquet"), ("no/such/folder/out", "folder", "shut/out", "full")),
        *product(("sample",), ("no/such/folder/out", "folder", "shut/out")),
        *product(("table", "parquet", "sample"), ("circle", "locked/out")),
        *product(("table", "parquet"), (TOO_LONG, "/")),
    ],
)
def test_an_unwritable_place(run: Any, tiny: Any, form: str, place: str) -> None:
    for name in ("folder", "shut"):
        (run.folder / name).mkdir()
    (run.folder / "folder" / "kept.txt").write_text("kept")
    (run.folder / "shut").chmod(0o555)
    (run.folder / "locked").mkdir(mode=0)
    (run.folder / "circle").symlink_to("circle")
    if place == "full":
        if not Path("/dev/full").is_char_device():
            pytest.skip("nothing to write to that is always full")
        (run.folder / "full").symlink_to("/dev/full")
    if form == "sample":
        told = run("sample", "/dev/null/x" if place.startswith("no") else place, no_override=True)
        assert told.code in (USAGE, BAD_INPUT)
    else:
        words = ("outcomes", "--format", form, "--db", tiny.db)
        told = run(*words, "--out", place, no_override=True)
        assert told.code == USAGE
    (run.folder / "shut").chmod(0o755)
    assert told.is_told_in_a_sentence
    assert "cannot write" in told.err or "not empty" in told.err
    assert os.listdir(run.folder / "shut") == []
    assert os.listdir(run.folder / "folder") == ["kept.txt"]
    assert (run.folder / "circle").is_symlink()
    assert not [path for path in run.folder.iterdir() if ".part" in path.name]
    assert not Path("/dev/full").exists() or Path("/dev/full").is_char_device()


def test_a_device_is_written_into_and_never_replaced(run: Any, tiny: Any) -> None:
    os.mkfifo(run.folder / "pipe")
    reader = os.open(run.folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    funnel = ("funnel", "--format")
    for command in ((*funnel, "csv"), (*funnel, "parquet"), ("quarantine", "export")):
        told = run(*command, "--db", tiny.db, "--out", "pipe")
        assert told.code == 0
        assert len(os.read(reader, 1 << 16)) > 100
        assert (run.folder / "pipe").is_fifo()
    os.close(reader)


def test_a_damaged_file_is_named_and_what_is_before_the_damage_asked_for(run: Any) -> None:
    path = run.folder / "day.jsonl.gz"
    line = b'{"event":"x.y","created_at":1,"object":{"id":"1"}}\n'
    path.write_bytes(gzip.compress(line * 9)[:-6])
    load = ("load", path, "--policy", "skip", "--json")
    told = run(*load)
    assert (told.code, told.out, told.is_told_in_a_sentence) == (4, "", True)
    assert "--partial" in told.err
    told = run(*load, "--partial")
    assert told.code == 0
    (file,) = told.json()["files"]
    assert (file["lines"], file["is_partial"]) == (9, True)


@pytest.mark.parametrize("policy", ["require", "record", "skip"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_a_file_of_another_kind_is_told_first_and_loudly(
    run: Any, tiny: Any, policy: str, encoding: str
) -> None:
    line = {"utf-16": '{"event": "patient.created"}', "utf-8": "id,name\n1,Zebediah"}[encoding]
    (run.folder / "a.jsonl").write_text(f"{line}\n", encoding=encoding)
    load = ("load", "a.jsonl", "--policy", policy, "--secrets-file", tiny.secrets)
    for _ in range(2):
        told = run(*load)
        assert (told.code, told.is_told_in_a_sentence) == (QUARANTINED, True)
        assert "avon-analytics: NOT ONE LINE could be read as a delivery." in told.err
        assert "Zebediah" not in told.out + told.err
    assert run(*load, "--json").json()["nothing_read"] is True


def test_the_secrets_file_is_not_loaded(run: Any, tiny: Any) -> None:
    told = run("load", tiny.archive, tiny.secrets, "--secrets-file", tiny.secrets)
    assert (told.code, told.out, told.is_told_in_a_sentence) == (2, "", True)
    assert "holds the secrets" in told.err
    assert not (run.folder / "avon.duckdb").exists()


@pytest.mark.parametrize("command", ["load", "verify"])
def test_a_store_is_no_archive(run: Any, tiny: Any, command: str) -> None:
    store = tiny.copy(run.folder / "avon.duckdb")
    before = store.read_bytes()
    told = run(command, store, "--secrets-file", tiny.secrets)
    assert (told.code, told.out, told.is_told_in_a_sentence) == (2, "", True)
    assert "avon.duckdb is a store: name the archive" in told.err
    assert store.read_bytes() == before


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("replay", "quarantine replay"),
        ("no_shows", "outcomes"),
        ("status", "tables"),
        ("import", "load"),
        ("help", "--help"),
    ],
)
def test_a_command_that_is_called_otherwise_here_is_named(run: Any, word: str, meant: str) -> None:
    told = run(word, COLUMNS="120")
    assert (told.code, told.out) == (2, "")
    assert f"No such command '{word}'. Did you mean {meant}?" in told.err
    assert told.err.count("Did you mean") == 1
    assert run(*meant.split(), "--help").code == 0  # it is a command


def test_a_path_in_place_of_a_command_or_an_option_is_told_where_it_belongs(
    run: Any, tiny: Any
) -> None:
    store = tiny.copy(run.folder / "own.duckdb")
    for words, suggested in (
        ((str(tiny.archive),), f"Did you mean load {tiny.archive}?"),
        (("outcomes", store.name), "Did you mean --db own.duckdb?"),
        (("quarantine", "list", store.name), "Did you mean --db own.duckdb?"),
    ):
        told = run(*words)
        assert told.code == USAGE
        assert "".join(suggested.split()) in "".join(re.sub("[│]", "", told.err).split()), told.err
    for words in ((store.name,), ("quarantine", store.name), ("outcomes", "own", store.name)):
        assert "Did you mean" not in run(*words).err


def test_receipts_that_are_wrong_throughout_are_named_as_the_reason(run: Any) -> None:
    """Seconds where milliseconds belong: every event seems to be received long before it was."""
    told = {
        "event": "appointment.created",
        "created_at": 1_741_608_000_000,
        "object": {
            "id": "appt_1",
            "object": "appointment",
            "start_time": 1_741_611_600_000,
            "end_time": 1_741_613_400_000,
            "attendees": [{"attendee": "user_ann"}],
        },
    }
    line = {"headers": {}, "body": json.dumps(told), "received_at": 1_741_608_000}
    (run.folder / "a.jsonl").write_text(json.dumps(line) + "\n")
    assert run("load", "a.jsonl", "--policy", "skip").code == 0
    for command in (("outcomes",), ("report",), ("quality",), ("explain", "appt_1")):
        ended = run(*command)
        assert (ended.code, ended.out, ended.is_told_in_a_sentence) == (4, "", True), command
        assert "its only event says that it happened more than 24 hours" in ended.err
        assert run(*command, "--as-of", "2025-03-31").code == 0
    with avon.open(run.folder / "avon.duckdb") as store:
        assert "1 event from 1 file" in repr(store)
