"""Archives on web servers that refuse, break off, lead in circles or say what is not so."""

from __future__ import annotations

import http.server
import threading
import time
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from avon_analytics.errors import ArchiveError
from avon_analytics.intake.archive import remote

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

pytest.importorskip("aiohttp")
pytestmark = pytest.mark.any_engine
SECRET = "Sesame"


class _Server(http.server.BaseHTTPRequestHandler):
    """What it answers stands in the path; ``text`` is the file that it has."""

    text = b""
    n_gets = 0

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(is_head=True)

    def do_GET(self) -> None:
        type(self).n_gets += 1
        self._answer(is_head=False)

    def _answer(self, *, is_head: bool) -> None:
        what = self.path.strip("/").partition("?")[0]
        text = self.text
        if what.isdigit():
            self._send(int(what), b"token=" + SECRET.encode(), is_head=is_head)
        elif what == "circle":
            self._send(302, b"", is_head=is_head, Location=f"/circle?sig={SECRET}")
        elif what == "nowhere":
            self._send(302, b"", is_head=is_head, Location=f"ftp://u:{SECRET}@host/")
        elif what == "login":
            self._send(200, b"<html>login</html>", 10**7 if is_head else None, is_head=is_head)
        elif what == "less":
            self._send(200, text, 3 * len(text) if is_head else None, is_head=is_head)
        elif what == "small_parts" and "Range" in self.headers:
            first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
            part = text[first : min(first + 100, last + 1)]
            self._send(206, part, is_head=is_head)
        elif what == "silent":
            time.sleep(2)
        elif what == "slow" and not is_head:
            self._send(200, b"", len(text))
            for at in range(5):
                time.sleep(0.3)
                self.wfile.write(text[len(text) * at // 5 : len(text) * (at + 1) // 5])
        else:
            self._send(200, text, is_head=is_head)

    def _send(
        self, code: int, body: bytes, size: int | None = None, *, is_head: bool = False, **more: str
    ) -> None:
        self.send_response(code)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.end_headers()
        if not is_head:
            self.wfile.write(body)


@pytest.fixture
def handler(archive: Archive) -> type[_Server]:
    lines = [archive.raw(archive.patient(ms)) for ms in range(1, 5)]

    class Server(_Server):
        text = "".join(line + "\n" for line in lines).encode()

    return Server


@pytest.fixture
def server(handler: type[_Server]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        listening.daemon_threads = True
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://ann:{SECRET}@127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()


def refusal(desk: Desk, url: str) -> str:
    """What a load of it says, in which no secret stands."""
    with pytest.raises(ArchiveError) as caught:
        desk.load(f"{url}?sig={SECRET}")
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


@pytest.mark.parametrize(
    ("what", "said"),
    {
        "401": "refuses (401 Unauthorized); are the user and password",
        "403": "refuses (403 Forbidden); are the user and password",
        "404": "there is no file",
        "410": "there is no file",
        "418": "does not give it (418 I'm a Teapot); is the URL right?",
        "429": "cannot give it now (429 Too Many Requests); try again later",
        "500": "cannot give it now (500 Internal Server Error); try again later",
        "503": "cannot give it now (503 Service Unavailable); try again later",
        "599": "cannot give it now (599); try again later",
        "circle": "leads on to other addresses, and to no file",
        "nowhere": "leads on to other addresses, and to no file",
    }.items(),
)
def test_what_a_server_answers_is_told_with_what_to_do(
    server: str, desk: Desk, what: str, said: str
) -> None:
    assert said in refusal(desk, f"{server}/{what}")


def test_an_address_at_which_nothing_listens_is_told(desk: Desk) -> None:
    assert "cannot be reached or broke off" in refusal(desk, f"http://u:{SECRET}@127.0.0.1:9/a")
    assert "is its address right?" in refusal(desk, f"http://u:{SECRET}@127.0.0.1:9999999/a")


@pytest.mark.parametrize("what", ["login", "less"])
def test_a_server_that_gives_something_else_is_asked_a_few_times(
    handler: type[_Server], server: str, desk: Desk, what: str
) -> None:
    """It was asked until it had given as many bytes as it had said, the same ones each time."""
    given = 18 if what == "login" else len(handler.text)
    assert f"gave {given:,} of its" in refusal(desk, f"{server}/{what}")
    assert handler.n_gets < 5


def test_a_server_whose_parts_are_smaller_than_asked_is_read(server: str, desk: Desk) -> None:
    assert desk.load(f"{server}/small_parts").loaded == 4


def test_a_server_that_is_silent_is_not_waited_for(
    server: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SILENT_SECONDS", 0.5)
    assert "did not answer in time; try again later" in refusal(desk, f"{server}/silent")


def test_an_answer_may_take_as_long_as_bytes_come(
    server: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fewer seconds of silence than the whole answer takes; aiohttp would end it in 5 minutes."""
    monkeypatch.setattr(remote, "SILENT_SECONDS", 1)
    assert desk.load(f"{server}/slow").loaded == 4
    files, _ = remote.file_system(server)
    assert files.kwargs["timeout"].total is None
