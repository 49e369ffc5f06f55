"""The folder of evidence: what it holds, and that its script tells an archive from another one."""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import zstandard

import avon_analytics as avon
from avon_analytics.errors import UsageError
from avon_analytics.intake.after.check_evidence import signed

if TYPE_CHECKING:
    from tests.conftest import Loaded

NAMES = {"README.md", "check.py", "deliveries.csv", "files.csv", "number.toml", "rows.csv"}


@pytest.fixture(scope="module")
def visits(tiny: Loaded) -> Iterator[avon.Cohort]:
    with avon.open(tiny.db) as store:
        yield store.appointments()


@pytest.fixture(scope="module")
def folder(visits: avon.Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evidence of all cancelled slots; tests copy it to change it."""
    folder = tmp_path_factory.mktemp("evidence") / "cancelled"
    visits.evidence(visits.outcomes(), 0, "n_cancelled", folder)
    return folder


@pytest.fixture(scope="module")
def unpacked(tiny: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the archive in which no file needs more than Python's standard library."""
    copy = tmp_path_factory.mktemp("unpacked") / "archive"
    shutil.copytree(tiny.archive, copy)
    for packed in copy.rglob("*.zst"):
        with packed.open("rb") as file:
            plain = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
        packed.with_suffix("").write_bytes(plain)
        packed.unlink()
    return copy


def checked(folder: Path, *arguments: str | Path, **env: str) -> tuple[int, str]:
    """The folder's script, as its reader runs it: alone, in a Python without this package."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", folder / "check.py", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder.parent,
        env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", **env},
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_holds_the_rows_and_every_delivery_behind_them(
    visits: avon.Cohort, folder: Path, tiny: Loaded, unpacked: Path
) -> None:
    assert {path.name for path in folder.iterdir()} == NAMES
    figure = visits.outcomes()
    rows = visits.behind(figure, 0, "n_cancelled")
    written = table(folder, "rows.csv")
    assert [row["appointment_id"] for row in written] == list(rows.appointment_id)
    assert len(written) == figure.n_cancelled[0] > 1
    people = {*rows.patient_id.dropna(), *rows.host.dropna(), *rows.cancelled_by_id.dropna()}
    about = {*rows.appointment_id, *people}
    with avon.open(tiny.db) as store:
        known = store.sql(
            "SELECT d.file, d.line, d.byte_offset, d.byte_length, e.object_id FROM deliveries AS d "
            "JOIN events AS e USING (event_id) WHERE d.ended <> 'quarantined'"
        )
    expected = known[known.object_id.isin(about)]
    deliveries = table(folder, "deliveries.csv")
    places = {(one["file"], int(one["byte_offset"])) for one in deliveries}
    assert places == set(zip(expected.file, expected.byte_offset, strict=True))
    assert len(places) == len(deliveries)
    for one in deliveries:
        path = unpacked / Path(one["file"]).relative_to(tiny.archive)
        plain = path.with_suffix("") if path.suffix == ".zst" else path
        content = plain.read_bytes()
        content = gzip.decompress(content) if plain.suffix == ".gz" else content
        content = bz2.decompress(content) if plain.suffix == ".bz2" else content
        start = int(one["byte_offset"])
        line = content[start : start + int(one["byte_length"])]
        assert one["sha256"] == hashlib.sha256(line).hexdigest()
        assert one["signature"] == "verified"
        assert one["secret"] in tomllib.loads(tiny.secrets.read_text())


def test_the_script_finds_all_as_it_was(folder: Path, unpacked: Path, tiny: Loaded) -> None:
    n_lines = len(table(folder, "deliveries.csv"))
    code, said = checked(folder, "--archive", unpacked)
    assert (code, said.splitlines()) == (
        0,
        [
            f"n_cancelled of outcomes: {len(table(folder, 'rows.csv'))}",
            f"lines compared with the archive: {n_lines}",
            "signatures checked with a secret: 0",
            "all is as it was",
        ],
    )
    code, said = checked(folder, "--archive", unpacked, "--secrets-file", tiny.secrets)
    n_parsed = said.count("the bytes that were signed")
    assert f"signatures checked with a secret: {n_lines - n_parsed}\n" in said
    assert code == (2 if n_parsed else 0)
    assert n_parsed < n_lines / 10
    # Where the archive stands as it stood, only what needs another library is left out.
    code, said = checked(folder)
    if sys.version_info < (3, 14):
        assert code == 2
        unseen = said.splitlines()[3:-1]
        assert all(".zst: unpack it first" in line for line in unseen)
        assert f"could not be looked at: {len(unseen)}, named above; the rest is as" in said


def test_the_script_shows_no_sign_that_a_terminal_would_obey(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    told = (copy / "number.toml").read_text("utf-8")
    (copy / "number.toml").write_text(
        told.replace('in_words = "', 'in_words = "\\u001B[31m\\u202E')
    )
    _, out = checked(copy)
    assert "\\x1b[31m\\u202e" in out
    assert not {"\x1b", "\u202e"} & set(out)


def test_a_secret_that_is_not_given_is_named(
    folder: Path, unpacked: Path, tiny: Loaded, tmp_path: Path
) -> None:
    """Half of the secrets say nothing of what the others signed: that is no difference."""
    secrets = tomllib.loads(tiny.secrets.read_text())
    signed = [one["secret"] for one in table(folder, "deliveries.csv")]
    given, missing = sorted(set(signed))
    (tmp_path / "half.toml").write_text(f'{given} = "{secrets[given]}"\n')
    code, said = checked(folder, "--archive", unpacked, "--secrets-file", tmp_path / "half.toml")
    assert (code, "DIFFERS" in said) == (2, False)
    assert said.count(f": signed with {missing}, a secret not given\n") == signed.count(missing)
    # The secret itself under its name, but another one: that is a difference.
    (tmp_path / "wrong.toml").write_text(f'{given} = "{secrets[given]}"\n{missing} = "other"\n')
    code, said = checked(folder, "--archive", unpacked, "--secrets-file", tmp_path / "wrong.toml")
    assert (code, "none of the secrets signed it" in said) == (1, True)


def test_a_wrong_secret_signed_nothing(folder: Path, unpacked: Path) -> None:
    code, said = checked(folder, "--archive", unpacked, AVON_WEBHOOK_SECRET="not-the-secret")
    assert code == 1
    assert "none of the secrets signed it" in said
    assert "not-the-secret" not in said


def test_a_number_of_thousands_of_digits_beside_a_body_hides_it_from_nobody() -> None:
    many = b"7" * 5_000
    assert list(signed(b'{"x": ' + many + b', "body": "to sign"}')) == [b"to sign"]
    assert list(signed(b'{"body": {"x": ' + many + b"}}")) != []


def test_the_script_reads_a_secrets_file_as_a_load_does_or_says_that_it_cannot(
    folder: Path, unpacked: Path, tiny: Loaded, tmp_path: Path
) -> None:
    file = tmp_path / "secrets.toml"
    file.write_bytes(b"\xef\xbb\xbf" + Path(tiny.secrets).read_bytes())  # as editors may write
    told = checked(folder, "--archive", unpacked, "--secrets-file", file)
    assert told == checked(folder, "--archive", unpacked, "--secrets-file", tiny.secrets)
    for content in ("a = not-the-secret", "a = " + "[" * 5_000, None):
        file.unlink() if content is None else file.write_text(content)
        code, said = checked(folder, "--archive", unpacked, "--secrets-file", file)
        assert code == 2
        assert said.startswith(f"cannot read {file}: expected UTF-8 with lines name")
        assert "not-the-secret" not in said


def changed(path: Path, offset: int) -> None:
    """One letter of a plain or gzipped file is another one."""
    is_packed = path.suffix == ".gz"
    content = bytearray(gzip.decompress(path.read_bytes()) if is_packed else path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(gzip.compress(bytes(content)) if is_packed else bytes(content))


def between(folder: Path, file: str) -> int:
    """A place in a file that is in none of the lines that the number rests on."""
    at = 0
    for row in table(folder, "deliveries.csv"):
        if row["file"] == file:
            if int(row["byte_offset"]) > at + 10:
                return at + 5
            at = int(row["byte_offset"]) + int(row["byte_length"]) + 1
    return at + 5


def in_copy(file: str, tiny: Loaded, copy: Path) -> Path:
    path = copy / Path(file).relative_to(tiny.archive)
    return path.with_suffix("") if path.suffix == ".zst" else path


def test_the_script_tells_a_tampered_archive(
    folder: Path, unpacked: Path, tiny: Loaded, tmp_path: Path
) -> None:
    copy = tmp_path / "archive"
    shutil.copytree(unpacked, copy)
    one = next(row for row in table(folder, "deliveries.csv") if row["file"].endswith((".gz", "l")))
    path = in_copy(one["file"], tiny, copy)
    kept = path.read_bytes()
    changed(path, int(one["byte_offset"]) + int(one["byte_length"]) // 2)
    code, said = checked(folder, "--archive", copy)
    assert code == 1
    assert f"DIFFERS: {one['file']}, line {one['line']}: another line stands there" in said
    # A line that the number does not rest on: the file is another one all the same.
    path.write_bytes(kept)
    changed(path, between(folder, one["file"]))
    code, said = checked(folder, "--archive", copy)
    assert code == 1
    assert f"DIFFERS: {one['file']}: it is not the file that was loaded" in said
    files = [row["file"] for row in table(folder, "files.csv")]
    packed = in_copy(next(file for file in files if file.endswith(".gz")), tiny, copy)
    content = packed.read_bytes()
    packed.write_bytes(content[: len(content) // 2])
    code, said = checked(folder, "--archive", copy)
    assert (code, f"{packed.name}: it is damaged" in said) == (1, True)
    shutil.copyfile(unpacked / packed.relative_to(copy), packed)
    path.unlink()
    code, said = checked(folder, "--archive", copy)
    assert code == 2
    assert f"not looked at: {one['file']}: not found" in said


@pytest.mark.parametrize("name", ["rows.csv", "deliveries.csv", "files.csv"])
def test_the_script_tells_a_tampered_folder(
    folder: Path, unpacked: Path, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / "evidence"
    shutil.copytree(folder, copy)
    lines = (copy / name).read_text().splitlines(keepends=True)
    (copy / name).write_text("".join(lines[:-1]))
    code, said = checked(copy, "--archive", unpacked)
    assert code == 1
    assert f"DIFFERS: {name} is not as it was written" in said


def test_it_is_the_owners_alone_and_the_same_again(
    visits: avon.Cohort, folder: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    again.mkdir(mode=0o755)
    told = visits.evidence(visits.outcomes(), 0, "n_cancelled", again)
    assert str(told).endswith(f"deliveries are in {again}")
    for name in NAMES:
        assert (again / name).read_bytes() == (folder / name).read_bytes()
        if os.name == "posix":
            assert stat.S_IMODE((again / name).stat().st_mode) == 0o600
    if os.name == "posix":
        assert stat.S_IMODE(again.stat().st_mode) == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_its_owner_may_enter_it_whatever_the_process_takes_away(
    visits: avon.Cohort, tmp_path: Path
) -> None:
    before = os.umask(0o777)
    try:
        visits.evidence(visits.outcomes(), 0, "n_cancelled", tmp_path / "folder")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700


def test_it_holds_no_secret_and_nothing_of_a_delivery(folder: Path, tiny: Loaded) -> None:
    everything = "".join((folder / name).read_text() for name in NAMES - {"check.py"})
    for secret in tomllib.loads(tiny.secrets.read_text()).values():
        assert secret not in everything
    with avon.open(tiny.db) as store:
        people = store.table("patients", identifiers=True)
    for column in ("last_name", "email", "mrn", "ssn"):
        for value in people[column].dropna():
            assert str(value) not in everything


def test_the_other_units_have_evidence_too(
    visits: avon.Cohort, tmp_path: Path, unpacked: Path
) -> None:
    asked: dict[str, tuple[pd.DataFrame, str]] = {
        "question": (visits.replies(), "n_questions"),
        "patient": (visits.returns(), "n_without_booking"),
        "session": (visits.lost_time(), "n_sessions"),
        "appointment": (visits.funnel(), "n_reached"),
    }
    for unit, (figure, column) in asked.items():
        out = tmp_path / unit
        told = visits.evidence(figure, 0, column, out)
        assert told.n_rows == figure.loc[0, column]
        assert tomllib.loads((out / "number.toml").read_text())["unit"] == unit
        assert checked(out, "--archive", unpacked)[0] == 0
    kinds = {row["object_type"] for row in table(tmp_path / "question", "deliveries.csv")}
    assert "message" in kinds
    people = {row["patient_id"] for row in table(tmp_path / "patient", "rows.csv")}
    about = {row["object_id"] for row in table(tmp_path / "patient", "deliveries.csv")}
    assert people & about
    assert {one for one in about if one.startswith("appt_")}


def test_a_folder_that_cannot_be_is_told(visits: avon.Cohort, tmp_path: Path) -> None:
    figure = visits.outcomes()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for out, said in (
        (tmp_path / "full", "is there already"),
        (tmp_path / "full" / "mine.txt", "is there already"),
        (tmp_path / "nowhere" / "folder", "cannot write"),
    ):
        with pytest.raises(UsageError, match=said):
            visits.evidence(figure, 0, "n_slots", out)
    with pytest.raises(UsageError, match="is no count of rows"):
        visits.evidence(figure, 0, "no_show_share", tmp_path / "new")
    assert {path.name for path in tmp_path.rglob("*")} == {"full", "mine.txt"}


def test_files_that_are_gone_or_another_are_named(tiny: Loaded, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    gz = sorted(tiny.archive.rglob("*.jsonl.gz"))[:2]
    for path in gz:
        (archive / path.name.removesuffix(".gz")).write_bytes(gzip.decompress(path.read_bytes()))
    with avon.open(":memory:") as store:
        store.load(archive, policy="skip", privacy="limited", progress=False)
        visits = store.appointments()
        figure = visits.outcomes()
        gone, other = sorted(archive.iterdir())
        gone.unlink()
        changed(other, 40)
        told = visits.evidence(figure, 0, "n_slots", tmp_path / "evidence")
    assert (told.gone, told.changed) == ((str(gone),), (str(other),))
    assert f"{gone} is gone: its lines have no digest" in str(told)
    assert {row["sha256"] for row in table(tmp_path / "evidence", "deliveries.csv")} == {""}
    code, said = checked(tmp_path / "evidence")
    assert code == 2
    assert f"not looked at: {other}: changed when this folder was written" in said
