"""What is answered to whom, and what of it is in the archive."""

from __future__ import annotations

import gzip
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from avon_analytics.intake.read.verify import verify_archive
from avon_analytics.receive.connection import Bounds
from tests.receive.conftest import (
    OLD_SECRET,
    SECRETS,
    Client,
    delivery,
    lines,
    running,
    signature,
)

BODY = delivery(1, "Is Thursday fine? – é\u2028\x7f")


def rejected(archive: Path) -> list[dict[str, object]]:
    return lines(archive.with_name("archive.rejected"))


def head(client: Client, *headers: str, method: str = "POST", body: bytes = b"") -> bytes:
    """A request as bytes, with whatever headers."""
    first = f"{method} {client.path} HTTP/1.1"
    return "\r\n".join((first, "host: here", *headers, "", "")).encode("latin-1") + body


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 ")
    return int(answer.split()[1])


# -- what is archived -------------------------------------------------------------------------


def test_a_signed_delivery_is_a_line_that_holds_it(receiver: Client, archive: Path) -> None:
    before = time.time()
    assert receiver.post(BODY, content_type="application/json", x_request_id="r-1") == 200
    (line,) = lines(archive)
    assert line["body"].encode() == BODY
    assert line["headers"] == {
        "avon-signature": signature(BODY),
        "content-type": "application/json",
        "x-request-id": "r-1",
    }
    assert line["received_at"].endswith("Z")
    assert time.strftime("%Y-%m-%dT%H", time.gmtime(before)) in line["received_at"]
    (file,) = archive.glob("*/*/*.jsonl")
    assert file.relative_to(archive).match(time.strftime("%Y/%m/%d-*.jsonl", time.gmtime(before)))


def test_no_other_header_is_kept(receiver: Client, archive: Path) -> None:
    receiver.post(BODY, authorization="Basic x", cookie="a=b", x_forwarded_for="192.0.2.7")
    receiver.post(BODY, "wrong", authorization="Basic x", cookie="a=b")
    for line in (*lines(archive), *rejected(archive)):
        assert set(line["headers"]) == {"avon-signature"}


BODIES = [
    b"",
    b"{}",
    b"\xff\xfe{}",
    b"\x00",
    "\ufeff{}\r\n".encode(),
    b'"\\u0000\\ud800"',
    "\u0085\u2028\u2029\U0001f600".encode(),
    b"\n" * 5000,
    b"\x01" * 5000,
    b"\\" * 5000,
    gzip.compress(BODY),
    bytes(range(256)),
]


def test_a_load_verifies_whatever_bytes_were_signed(receiver: Client, archive: Path) -> None:
    for body in BODIES:
        assert receiver.post(body) == 200
    found = verify_archive(archive, dict(SECRETS))
    assert found["verified"].sum() == len(BODIES) == found["n_lines"].sum()
    forms = [bool(line.get("isBase64Encoded")) for line in lines(archive)]
    assert forms.count(True) == 6  # no UTF-8, or shorter so


def test_each_of_several_secrets_will_do(receiver: Client, archive: Path) -> None:
    assert receiver.post(BODY, signature(BODY, OLD_SECRET)) == 200
    assert len(lines(archive)) == 1


def test_files_and_folders_are_their_owners_alone(receiver: Client, archive: Path) -> None:
    receiver.post(BODY)
    receiver.post(BODY, "wrong")
    for root in (archive, archive.with_name("archive.rejected")):
        for path in (root, *root.rglob("*")):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


# -- what is not ------------------------------------------------------------------------------


def test_what_is_not_verified_is_kept_apart_and_answered_alike(
    receiver: Client, archive: Path
) -> None:
    answers = {
        receiver.ask("POST", receiver.path, BODY, headers)
        for headers in (
            {},
            {"avon-signature": ""},
            {"avon-signature": "0" * 64},
            {"avon-signature": signature(BODY)[:-1]},
            {"avon-signature": signature(BODY, "another secret")},
            {"avon-signature": "é"},
        )
    }
    assert answers == {(401, "not accepted\n")}
    assert receiver.post(BODY + b" ", signature(BODY)) == 401
    assert lines(archive) == []
    assert len(rejected(archive)) == 7


def test_rejected_deliveries_load_once_their_secret_is_known(
    receiver: Client, archive: Path
) -> None:
    receiver.post(BODY, signature(BODY, "the next secret"))
    found = verify_archive(archive.with_name("archive.rejected"), "the next secret")
    assert found["verified"].sum() == 1


def test_rejected_deliveries_are_kept_within_a_bound(archive: Path) -> None:
    bodies = [b"%03d" % n + b"x" * 5000 for n in range(60)]
    with running(archive, rejected_bytes=60_000) as client:
        assert {client.post(body, "wrong") for body in bodies} == {401}
    held = sum(path.stat().st_size for path in archive.with_name("archive.rejected").rglob("*.*"))
    assert 30_000 < held <= 60_000
    assert rejected(archive)[-1]["body"]
    newest = max(str(line["body"])[:3] for line in rejected(archive))
    assert newest == "059"


def test_two_signatures_that_differ_verify_nothing(receiver: Client) -> None:
    right = f"avon-signature: {signature(BODY)}"
    length = f"content-length: {len(BODY)}"
    for headers, answer in (
        ((right, right), 200),
        ((right, "avon-signature: 0"), 401),
        (("Avon-Signature: 0", right), 401),
    ):
        request = head(receiver, length, "connection: close", *headers, body=BODY)
        assert status(receiver.raw(request)) == answer


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/avon", 405),
        ("PUT", "/avon", 405),
        ("HEAD", "/avon", 405),
        ("DELETE", "/avon", 405),
        ("OPTIONS", "/avon", 405),
        ("TRACE", "/avon", 405),
        ("POST", "/", 404),
        ("POST", "/avon/", 404),
        ("POST", "/AVON", 404),
        ("POST", "/avon/../avon", 404),
        ("POST", "/avon%00", 404),
        ("POST", "/avon/%2e%2e/health", 404),
        ("POST", "/health", 405),
        ("POST", "/metrics", 405),
        ("POST", "/avon?a=b", 200),
        ("GET", "/health", 200),
        ("HEAD", "/metrics", 200),
        ("GET", "/docs", 404),
    ],
)
def test_paths_and_methods(shared: Client, method: str, path: str, answer: int) -> None:
    signed = {"avon-signature": signature(BODY)}
    body = BODY if method not in ("HEAD", "TRACE") else None
    assert shared.ask(method, path, body, signed)[0] == answer


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> object:
    with ExitStack() as stack:
        yield stack.enter_context(running(tmp_path_factory.mktemp("shared") / "archive"))


# -- sizes ------------------------------------------------------------------------------------


def test_too_large_a_body_is_refused_by_its_length_or_as_it_comes(archive: Path) -> None:
    with running(archive, max_bytes=100_000) as client:
        assert client.post(b"x" * 100_000) == 200
        assert client.post(b"x" * 100_001) == 413
        assert client.post(b"x" * 30_000_000) == 413
        signed = {"avon-signature": signature(b"x")}
        without_length = (b"x" * 1000 for _ in range(3000))
        assert client.ask("POST", client.path, without_length, signed)[0] == 413
        assert client.post(BODY) == 200
    assert len(lines(archive)) == 2


def test_a_body_without_length_is_taken(receiver: Client, archive: Path) -> None:
    signed = {"avon-signature": signature(BODY)}
    parts = (BODY[at : at + 7] for at in range(0, len(BODY), 7))
    assert receiver.ask("POST", receiver.path, parts, signed)[0] == 200
    (line,) = lines(archive)
    assert line["body"].encode() == BODY


def test_a_line_is_hardly_longer_than_its_body(receiver: Client, archive: Path) -> None:
    receiver.post(b"\x01" * 900_000)
    (file,) = archive.rglob("*.jsonl")
    assert file.stat().st_size < 900_000 * 4 / 3 + 2000


@pytest.mark.parametrize(
    "headers",
    [
        [f"x-{n}: y" for n in range(200)],
        ["x: " + "y" * 60_000],
        ["x" * 60_000 + ": y"],
    ],
)
def test_floods_of_headers_are_refused(shared: Client, headers: list[str]) -> None:
    assert status(shared.raw(head(shared, *headers))) == 431


def test_a_long_path_is_refused(shared: Client) -> None:
    assert status(shared.raw(b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n\r\n")) == 431


def test_a_flood_is_refused_before_its_head_has_ended(shared: Client) -> None:
    """Each of them would hold megabytes, as long as it leaves its head open."""
    flood = head(shared)[:-2] + b"a:\r\n" * 50_000
    assert status(shared.raw(flood)) == 431


def test_headers_without_end_are_cut_off(shared: Client) -> None:
    with socket.create_connection((shared.host, shared.port), timeout=5) as connection:
        connection.sendall(b"POST /avon HTTP/1.1\r\nx: ")
        sent = 0
        try:
            while sent < 20_000_000:
                sent += connection.send(b"y" * 10_000)
        except OSError:
            pass
    assert sent < 20_000_000


# -- requests that are none, or two in one ------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        ["content-length: 3", "content-length: 4"],
        ["content-length: 3", "transfer-encoding: chunked"],
        ["content-length: -1"],
        ["content-length: +3"],
        ["content-length: 3, 3"],
        ["content-length: 0x3"],
        ["content-length: 99999999999999999999999"],
        ["transfer-encoding: chunked, gzip"],
        ["transfer-encoding: xchunked"],
        ["content-length : 3"],
        ["x: a\r y"],
        ["x\x00: y"],
    ],
)
def test_ambiguous_requests_are_refused(shared: Client, headers: list[str]) -> None:
    before = shared.metrics()
    answer = shared.raw(head(shared, *headers, body=b"abc"))
    assert status(answer) == 400
    assert answer.count(b"HTTP/1.1") == 1
    after = shared.metrics()
    accepted = 'avon_receive_deliveries_total{answer="accepted"}'
    assert after[accepted] == before[accepted]


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00" * 100]
)
def test_what_is_no_http_is_refused(shared: Client, noise: bytes) -> None:
    assert status(shared.raw(noise + b"\r\n\r\n")) in (400, 404)


def test_headers_behind_a_body_are_no_headers(receiver: Client, archive: Path) -> None:
    chunks = b"%x\r\n%b\r\n0\r\navon-signature: %b\r\n\r\n"
    trailed = head(
        receiver,
        "transfer-encoding: chunked",
        body=chunks % (len(BODY), BODY, signature(BODY).encode()),
    )
    following = head(receiver, f"content-length: {len(BODY)}", "connection: close", body=BODY)
    answer = receiver.raw(trailed + following)
    assert b" 200 " not in answer
    assert lines(archive) == []


def test_a_few_requests_at_once_are_answered_in_turn(receiver: Client, archive: Path) -> None:
    bodies = [delivery(n) for n in range(8)]
    requests = [
        head(receiver, f"content-length: {len(b)}", f"avon-signature: {signature(b)}", body=b)
        for b in bodies
    ]
    requests[-1] = requests[-1].replace(b"host", b"connection: close\r\nhost")
    answer = receiver.raw(b"".join(requests))
    assert answer.count(b"HTTP/1.1 200 OK") == 8
    assert [line["body"].encode() for line in lines(archive)] == bodies


def test_very_many_requests_at_once_are_not(shared: Client) -> None:
    answer = shared.raw(b"GET /health HTTP/1.1\r\nhost: here\r\n\r\n" * 5000)
    assert answer.count(b"HTTP/1.1 400") == 1
    assert answer.count(b"HTTP/1.1 200") <= 20


def test_asking_for_another_protocol_changes_nothing(shared: Client) -> None:
    request = head(
        shared,
        f"content-length: {len(BODY)}",
        f"avon-signature: {signature(BODY)}",
        "connection: upgrade, close",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        body=BODY,
    )
    assert status(shared.raw(request)) in (200, 400, 401)


# -- slow, half open, too many ------------------------------------------------------------------


def has_ended(connection: socket.socket) -> bool:
    """Whether the other side ends a connection, whatever it says before."""
    try:
        while connection.recv(1000):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def test_slow_and_silent_clients_are_cut_off(archive: Path) -> None:
    with running(archive, bounds=Bounds(request_seconds=1)) as client:
        starts = (
            b"",
            b"POST /avon HT",
            head(client, "content-length: 10", f"avon-signature: {'0' * 64}", body=b"abc"),
            head(client, "content-length: 99999999", body=b"abc"),  # answered, and never whole
        )
        with ExitStack() as stack:
            open_ones = []
            for start in starts:
                one = stack.enter_context(socket.create_connection((client.host, client.port)))
                one.settimeout(10)
                one.sendall(start)
                open_ones.append(one)
            assert client.post(BODY) == 200
            for one in open_ones:
                assert has_ended(one)
        found = client.metrics()
        assert found['avon_receive_cut_off_total{why="too_slow"}'] == len(starts)
        assert found["avon_receive_connections"] == 1
        assert found['avon_receive_deliveries_total{answer="gone"}'] == 1


def test_a_client_that_leaves_halfway_leaves_nothing(receiver: Client, archive: Path) -> None:
    with socket.create_connection((receiver.host, receiver.port)) as connection:
        connection.sendall(
            head(receiver, f"content-length: {len(BODY)}", f"avon-signature: {signature(BODY)}")
            + BODY[:-1]
        )
    for _ in range(100):
        if receiver.metrics()['avon_receive_deliveries_total{answer="gone"}']:
            break
        time.sleep(0.02)
    else:
        pytest.fail("it was not noticed")
    assert lines(archive) == []


def test_connections_beyond_a_bound_are_told_to_come_later(archive: Path) -> None:
    with running(archive, bounds=Bounds(connections=5)) as client, ExitStack() as stack:
        address = (client.host, client.port)
        held = [stack.enter_context(socket.create_connection(address)) for _ in range(5)]
        time.sleep(0.2)
        for _ in range(50):
            assert status(client.raw(b"GET /health HTTP/1.1\r\nhost: here\r\n\r\n")) == 503
        for one in held:
            one.close()
        time.sleep(0.2)
        assert client.post(BODY) == 200
        assert client.metrics()['avon_receive_cut_off_total{why="too_many"}'] == 50


def test_who_is_refused_reads_so_though_it_is_still_sending(archive: Path) -> None:
    def slowly() -> Iterator[bytes]:
        for _ in range(4):
            yield b"x" * 50_000
            time.sleep(0.1)

    with running(archive, bounds=Bounds(connections=1)) as client:
        with socket.create_connection((client.host, client.port)):
            time.sleep(0.2)
            assert client.ask("POST", client.path, slowly(), {"content-length": "200000"})[0] == 503
        time.sleep(0.2)
        many = {f"x-{n}": "y" for n in range(200)}
        assert (
            client.ask("POST", client.path, slowly(), {"content-length": "200000", **many})[0]
            == 431
        )
        assert client.post(BODY) == 200


# -- what it tells of itself --------------------------------------------------------------------


def test_the_page_of_metrics_counts(receiver: Client) -> None:
    before = time.time()
    receiver.post(BODY)
    receiver.post(BODY, "wrong")
    found = receiver.metrics()
    assert found['avon_receive_deliveries_total{answer="accepted"}'] == 1
    assert found['avon_receive_deliveries_total{answer="rejected"}'] == 1
    assert found["avon_receive_accepted_bytes_total"] == len(BODY)
    assert before <= found["avon_receive_newest_receipt_seconds"] <= time.time()
    assert found["avon_receive_commit_seconds_count"] == 1
    assert found['avon_receive_commit_seconds_bucket{le="+Inf"}'] == 1
    assert not any(name.startswith("avon_load") for name in found)


def test_nothing_that_was_sent_is_in_any_log_or_answer(
    archive: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with running(archive) as client:
        said = [client.ask("POST", "/Jane-Doe", b"Jane-Doe", {"x": "Jane-Doe"})]
        said.append(client.ask("POST", client.path, b"Jane-Doe", {"avon-signature": "Jane-Doe"}))
        said.append(client.ask("GET", "/health?Jane-Doe"))
        said.append((0, client.raw(b"Jane-Doe\r\n\r\n").decode()))
        said.append(client.ask("GET", "/metrics"))
    assert "Jane-Doe" not in str(said) + caplog.text + "".join(capfd.readouterr())
