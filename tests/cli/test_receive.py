"""The command ``receive`` where it does not come to receiving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avon_analytics.cli.receive import _folder
from avon_analytics.receive.tidy import rejected_of

SECRET = "a-secret-of-the-tests"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--archive", "file"), 4, "cannot write into"),
        (("--archive", "/"), 2, "name a folder"),
        (("--archive", "a", "--every", "soon", "--load", "s"), 2, "expected a time"),
        (("--archive", "a", "--path", "avon"), 2, "the path begins with /"),
        (("--archive", "a", "--path", "/metrics"), 2, "neither /health nor /metrics"),
        (("--archive", "a", "--host", "192.0.2.1"), 4, "cannot listen on 192.0.2.1"),
        (("--archive", "a", "--secrets-file", "none.toml"), 4, "cannot read the secrets file"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    run: Any, arguments: tuple[str, ...], code: int, says: str
) -> None:
    (run.folder / "file").write_text("")
    ended = run("receive", *arguments, AVON_WEBHOOK_SECRET=SECRET)
    assert ended.code == code, ended.err
    assert says in ended.err
    assert ended.is_told_in_a_sentence


def test_without_a_secret_there_is_nothing_to_verify_with(run: Any) -> None:
    ended = run("receive", "--archive", "a")
    assert (ended.code, ended.is_told_in_a_sentence) == (2, True)
    assert "--policy" not in ended.err
    assert not (run.folder / "a").exists()


def test_it_tries_itself_out(run: Any) -> None:
    receive = ("receive", "--archive", "in/archive", "--self-test", "--max-bytes")
    ended = run(*receive, 1 << 30, AVON_WEBHOOK_SECRET=SECRET)
    assert ended.code == 0, ended.err
    assert ended.out.count("ok ") == len(ended.out.splitlines()) >= 10
    assert SECRET not in ended.out
    assert list((run.folder / "in").iterdir()) == []
    assert run(*receive, 10**30, AVON_WEBHOOK_SECRET=SECRET).code == 2


def test_what_is_rejected_stands_beside_the_archive_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "in" / "below")
    for name in ("..", "../../in", "../../in/", "../below/.."):
        assert rejected_of(_folder(Path(name))) == tmp_path / "in.rejected"
