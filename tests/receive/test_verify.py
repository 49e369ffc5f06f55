"""``avon.verify``: a word for whatever an endpoint is sent, and never an exception."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.errors import MissingSecret, UsageError
from tests.receive.conftest import OLD_SECRET, SECRET, SECRETS, signature

BODY = '{"event": "message.created", "text": "é\u2028"}'.encode()
RIGHT = signature(BODY)


def test_a_right_signature_names_its_secret() -> None:
    assert avon.verify(BODY, RIGHT, SECRETS) == ("verified", "new")
    assert avon.verify(BODY, signature(BODY, OLD_SECRET), SECRETS) == ("verified", "old")
    assert avon.verify(BODY, RIGHT, SECRET).is_verified
    assert avon.verify(BODY, RIGHT, SECRET).secret == "default"


@pytest.mark.parametrize("form", [bytearray(BODY), memoryview(BODY), BODY.decode()])
def test_bytes_and_text_in_any_form(form: Any) -> None:
    assert avon.verify(form, RIGHT, SECRETS).word == "verified"


def test_a_header_may_be_bytes_and_of_either_case() -> None:
    assert avon.verify(BODY, RIGHT.encode(), SECRETS).word == "verified"
    assert avon.verify(BODY, RIGHT.upper(), SECRETS).word == "verified"


@pytest.mark.parametrize(
    "wrong",
    [
        RIGHT[:-1],
        RIGHT + "0",
        f" {RIGHT}",
        f"sha256={RIGHT}",
        f"{RIGHT},{RIGHT}",
        "é" * 64,
        "\ud800",
        b"\xff" * 64,
        "0" * 1_000_000,
        17,
        [RIGHT],
        {},
        pd.NA,
        pd.DataFrame(),
    ],
)
def test_anything_else_is_a_mismatch(wrong: Any) -> None:
    assert avon.verify(BODY, wrong, SECRETS) == ("mismatch", None)


@pytest.mark.parametrize("none", [None, "", b""])
def test_no_signature(none: Any) -> None:
    assert avon.verify(BODY, none, SECRETS) == ("unsigned", None)


@pytest.mark.parametrize("parsed", [{"event": "message.created"}, None, 17, ["a"]])
def test_a_body_that_was_parsed_cannot_be_verified(parsed: Any) -> None:
    assert avon.verify(parsed, RIGHT, SECRETS) == ("unverifiable", None)


def test_every_flipped_byte_is_seen() -> None:
    for at in range(len(BODY)):
        flipped = bytearray(BODY)
        flipped[at] ^= 1
        assert not avon.verify(flipped, RIGHT, SECRETS).is_verified


def test_half_a_character_in_a_text_is_no_exception() -> None:
    assert avon.verify("\ud800", RIGHT, SECRETS).word == "mismatch"


def test_secrets_are_ones_own_business(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AVON_WEBHOOK_SECRET", raising=False)
    with pytest.raises(MissingSecret) as missing:
        avon.verify(BODY, RIGHT)
    assert "skip" not in str(missing.value)
    with pytest.raises(UsageError):
        avon.verify(BODY, RIGHT, {"empty": ""})
    monkeypatch.setenv("AVON_WEBHOOK_SECRET", SECRET)
    assert avon.verify(BODY, RIGHT).secret == "AVON_WEBHOOK_SECRET"
    (tmp_path / "secrets.toml").write_text(f'2025 = "{SECRET}"\n')
    assert avon.verify(BODY, RIGHT, tmp_path / "secrets.toml").secret == "2025"


def test_it_brings_no_engine_and_no_server_along() -> None:
    code = (
        "import sys, avon_analytics as avon; avon.verify(b'', 'x', 'y'); "
        "print({'duckdb', 'pandas', 'pydantic', 'starlette', 'uvicorn'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "set()\n"
