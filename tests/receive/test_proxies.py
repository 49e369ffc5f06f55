"""The settings of proxies in docs/receiving.md, run by the proxies that the machine has."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest

from tests.receive.conftest import Client, block, delivery, lines, running, signature

BODY = delivery(1, "Grüße,  \\u00e9 \n")
Ask = Callable[..., tuple[int, bytes]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def process(*command: str | Path, folder: Path, port: int) -> Iterator[None]:
    """A proxy that answers on a port, until the end."""
    at_home = os.environ | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=nowhere, stderr=nowhere, env=at_home) as one:
        try:
            for _ in range(600):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert one.poll() is None, "the proxy has ended"
                time.sleep(0.05)
            else:
                pytest.fail("the proxy does not listen")
            yield
        finally:
            one.terminate()
            one.wait(20)


@contextmanager
def nginx(folder: Path, receiver: Client) -> Iterator[Ask]:
    port = free_port()
    key, certificate = folder / "hooks.key", folder / "hooks.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost"
    named = "-addext subjectAltName=DNS:localhost"
    made = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make.split(), *named.split(), *made], check=True, capture_output=True)
    server = block("nginx").replace("443 ssl", f"127.0.0.1:{port} ssl")
    server = server.replace("127.0.0.1:8080", f"127.0.0.1:{receiver.port}")
    server = server.replace("/etc/ssl", str(folder))
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    settings = folder / "nginx.conf"
    settings.write_text(
        f"daemon off; user root; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{server} }}"
    )
    trusted = ssl.create_default_context(cafile=certificate)

    def ask(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = HTTPSConnection("localhost", port, timeout=20, context=trusted)
        return answer(connection, method, path, body, headers)

    with process("nginx", "-p", folder, "-c", settings, "-e", "stderr", folder=folder, port=port):
        yield ask


@contextmanager
def caddy(folder: Path, receiver: Client) -> Iterator[Ask]:
    port = free_port()
    server = block("caddy").replace("hooks.example.org", f"http://127.0.0.1:{port}")
    server = server.replace("127.0.0.1:8080", f"127.0.0.1:{receiver.port}")
    settings = folder / "Caddyfile"
    settings.write_text("{\nadmin off\nauto_https off\n}\n" + server)

    def ask(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        return answer(HTTPConnection("127.0.0.1", port, timeout=20), method, path, body, headers)

    command = ("caddy", "run", "--adapter", "caddyfile", "--config", settings)
    with process(*command, folder=folder, port=port):
        yield ask


def answer(
    connection: HTTPConnection, method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, bytes]:
    try:
        connection.request(method, path, body, headers)
        came = connection.getresponse()
        return came.status, came.read()
    finally:
        connection.close()


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_what_the_page_says_of_a_proxy(tmp_path: Path, proxy: Callable[..., object]) -> None:
    name = proxy.__name__
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    archive = tmp_path / "archive"
    with running(archive) as receiver, globals()[name](tmp_path, receiver) as ask:
        signed = {"avon-signature": signature(BODY), "content-type": "application/json"}
        assert ask("POST", "/avon", BODY, signed)[0] == 200
        assert ask("POST", "/avon", BODY, {}) == (401, b"not accepted\n")
        for path in ("/health", "/metrics", "/", "/avon/x"):
            assert ask("GET", path, b"", {})[0] == 404
        assert ask("POST", "/avon", b"x" * (11 * 1024 * 1024), signed)[0] == 413
        nearly = b"x" * (10 * 1024 * 1024 - 100)
        assert ask("POST", "/avon", nearly, {"avon-signature": signature(nearly)})[0] == 200
    kept, _ = lines(archive)
    assert kept["body"] == BODY.decode()
    assert kept["headers"]["avon-signature"] == signature(BODY)
    assert kept["headers"]["x-request-id"]
