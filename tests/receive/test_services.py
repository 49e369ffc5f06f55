"""The unit and the container of docs/receiving.md: their calls work, and systemd knows the unit."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.receive.conftest import SECRET, block

PROGRAM = "/opt/avon/bin/avon-analytics"


def unit() -> list[str]:
    call = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", block("ini"), re.MULTILINE)
    assert call is not None
    return shlex.split(call[1].replace("\\\n", " "))


def container() -> list[str]:
    call = re.search(r"^CMD (.*)$", block("dockerfile"), re.MULTILINE)
    assert call is not None
    words = [str(word) for word in json.loads(call[1])]
    return [word.replace("0.0.0.0", "127.0.0.1") for word in words]


@pytest.mark.parametrize("call", [unit, container])
def test_the_call_archives_what_it_is_sent(tmp_path: Path, call: Callable[[], list[str]]) -> None:
    program, *arguments = call()
    assert Path(program).name == "avon-analytics"
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(f'new = "{SECRET}"\n')
    for known, here in (
        ("/srv/avon", str(tmp_path / "srv")),
        ("%d/secrets.toml", str(secrets)),
        ("/run/secrets/avon.toml", str(secrets)),
    ):
        arguments = [word.replace(known, here) for word in arguments]
    command = [sys.executable, "-m", "avon_analytics", *arguments, "--port", "0", "--self-test"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_systemd_knows_the_unit_and_calls_it_closed(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    program = tmp_path / "avon-analytics"
    program.touch(0o755)
    file = tmp_path / "avon.service"
    file.write_text(block("ini").replace(PROGRAM, str(program)))
    for check in (["verify"], ["security", "--offline=true", "--threshold=20"]):
        done = subprocess.run(
            ["systemd-analyze", *check, file],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
