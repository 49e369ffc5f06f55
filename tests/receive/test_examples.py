"""The endpoints of docs/receiving.md, as they stand there: each is asked what an attacker asks."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from avon_analytics.intake.read.verify import verify_archive
from tests.docs.test_pages import DOCS, blocks
from tests.receive.conftest import SECRET, delivery, signature

BODY = delivery(1, "Is Thursday fine? é\u2028")
RIGHT = signature(BODY)

Ask = Callable[[bytes, str | None], int]


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """All that the blocks of Python define."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(DOCS / "receiving.md"):
        if block.is_run and block.language == "python":
            exec(compile(block.text, block.where, "exec"), names)
    return names


def fastapi(names: dict[str, Any]) -> Ask:
    httpx = pytest.importorskip("httpx")
    pytest.importorskip("fastapi")

    async def post(body: bytes, headers: dict[str, str]) -> int:
        transport = httpx.ASGITransport(names["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return int((await client.post("/avon", content=body, headers=headers)).status_code)

    def ask(body: bytes, signed: str | None) -> int:
        # In a thread of its own: a loop may already run in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, post(body, _headers(signed))).result()

    return ask


def flask(names: dict[str, Any]) -> Ask:
    pytest.importorskip("flask")
    client = names["flask_app"].test_client()
    return lambda body, signed: int(
        client.post("/avon", data=body, headers=_headers(signed)).status_code
    )


def django(names: dict[str, Any]) -> Ask:
    pytest.importorskip("django")
    from django.conf import settings
    from django.test import RequestFactory

    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["testserver"])

    def ask(body: bytes, signed: str | None) -> int:
        request = RequestFactory().post(
            "/avon", body, content_type="application/json", headers=_headers(signed)
        )
        return int(names["take_in_django"](request).status_code)

    return ask


def aws_lambda(names: dict[str, Any]) -> Ask:
    def ask(body: bytes, signed: str | None) -> int:
        event = {"headers": _headers(signed), "requestContext": {"timeEpoch": 1735689600000}}
        try:
            event |= {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        return int(names["handler"](event, None)["statusCode"])

    return ask


def _headers(signed: str | None) -> dict[str, str]:
    return {} if signed is None else {"Avon-Signature": signed}


@pytest.mark.parametrize("framework", [fastapi, flask, django, aws_lambda])
def test_an_endpoint_keeps_what_is_verified_and_nothing_else(
    page: dict[str, Any],
    framework: Callable[[dict[str, Any]], Ask],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVON_WEBHOOK_SECRET", SECRET)
    ask = framework(page)
    assert ask(BODY, RIGHT) == 200
    assert ask(BODY, RIGHT.upper()) == 200
    for body, signed in ((BODY, None), (BODY, ""), (BODY, "0" * 64), (BODY + b"\n", RIGHT)):
        assert ask(body, signed) == 401
    assert ask(b"\xff\x00", signature(BODY)) == 401
    (file,) = tmp_path.glob("*.jsonl")
    kept = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert len(kept) == 2
    found = verify_archive(file, SECRET)
    assert (found["n_lines"].sum(), found["verified"].sum()) == (2, 2)


def test_the_guides_example_says_what_verify_says(page: dict[str, Any]) -> None:
    is_from_avon = page["is_from_avon"]
    assert is_from_avon(BODY, RIGHT, SECRET)
    assert not is_from_avon(BODY + b"\n", RIGHT, SECRET)
    assert not is_from_avon(BODY, RIGHT, "another")
    assert not is_from_avon(BODY, "é", SECRET)
