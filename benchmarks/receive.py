"""How many deliveries a receiver takes, and how long each waits: ours beside one by hand.

python -m benchmarks.receive [--seconds N] [--connections N] [--rate N] [--repeats N]

Each server is a process of its own, asked over connections that are kept open: first as fast as it
answers, then at a rate, where a wait counts from the instant at which a delivery was due. The
endpoint by hand verifies as ours does, and appends without a sync. Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

SECRET = "a-secret-of-the-benchmark"
SECONDS_TO_START = 60
_BODY_BYTES = 1300
_TICKS = os.sysconf("SC_CLK_TCK")

BY_HAND = """
import hashlib, hmac, json, os, socket, sys, time
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

archive = open(sys.argv[1], "a")
secret = os.environ["AVON_WEBHOOK_SECRET"].encode()

async def take(request):
    body = await request.body()
    given = request.headers.get("avon-signature", "")
    if not hmac.compare_digest(hmac.new(secret, body, hashlib.sha256).hexdigest(), given):
        return Response(status_code=401)
    line = {"received_at": time.time(), "headers": dict(request.headers), "body": body.decode()}
    archive.write(json.dumps(line) + "\\n")
    archive.flush()
    return Response(status_code=200)

bound = socket.create_server(("127.0.0.1", 0))
print("taking deliveries at", "127.0.0.1:%d" % bound.getsockname()[1], file=sys.stderr, flush=True)
app = Starlette(routes=[Route("/avon", take, methods=["POST"])])
config = uvicorn.Config(app, http="httptools", log_level="error", access_log=False)
uvicorn.Server(config).run([bound])
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one run: waits in milliseconds, work in microseconds of processor time."""

    per_second: float
    p50: float
    p99: float
    work: float
    megabytes: float


class Asking(asyncio.Protocol):
    """One connection, on which one delivery at a time is under way."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._got = b""
        self._answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if found and self._answered is not None:
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            if len(body) >= int(length or 0):
                answered, self._answered, self._got = self._answered, None, b""
                answered.set_result(int(head.split(b" ", 2)[1]))

    def ask(self, request: bytes) -> asyncio.Future[int]:
        """Send a request; its status comes."""
        self._answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answered


def requests(n: int) -> list[bytes]:
    """Signed deliveries of 1.3 kB, each another."""
    made = []
    for nth in range(n):
        message = {"id": f"msg_{nth:032x}", "type": "inAppMessage", "text": ""}
        event = {"event": "message.created", "created_at": 1735689600000, "object": message}
        message["text"] = "n" * (_BODY_BYTES - len(json.dumps(event)))
        body = json.dumps(event).encode()
        signed = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        made.append(
            f"POST /avon HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"
            f"avon-signature: {signed}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )
    return made


async def _drive(
    port: int, connections: int, seconds: float, rate: float | None, sent: list[bytes]
) -> list[float]:
    """Waits of all deliveries; all must be answered 200."""
    loop = asyncio.get_running_loop()
    open_ones = [
        (await loop.create_connection(Asking, "127.0.0.1", port))[1] for _ in range(connections)
    ]
    begin, waits, number = loop.time(), list[float](), 0

    async def post(connection: Asking) -> None:
        nonlocal number
        while True:
            mine, number = number, number + 1
            due = loop.time() if rate is None else begin + mine / rate
            if due - begin >= seconds:
                return
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            status = await connection.ask(sent[mine % len(sent)])
            waits.append(loop.time() - due)
            assert status == 200, status

    await asyncio.gather(*map(post, open_ones))
    for connection in open_ones:
        connection.transport.close()
    return waits


@contextmanager
def serving(command: list[str]) -> Iterator[tuple[int, int]]:
    """A server as a process: its id and its port."""
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "AVON_WEBHOOK_SECRET": SECRET},
    )
    try:
        assert process.stderr is not None
        address = process.stderr.readline().split()[3].rstrip(",")
        yield process.pid, int(address.rpartition(":")[2].partition("/")[0])
    finally:
        process.terminate()
        process.wait(SECONDS_TO_START)


def measure(command: list[str], seconds: float, connections: int, rate: float | None) -> Measured:
    """One run of one server."""
    sent = requests(2000)
    with serving(command) as (pid, port):
        asyncio.run(_drive(port, connections, min(1.0, seconds), rate, sent))  # warm
        before, start = _work(pid), time.perf_counter()
        waits = asyncio.run(_drive(port, connections, seconds, rate, sent))
        took, work = time.perf_counter() - start, _work(pid) - before
        peak = _peak(pid)
    cuts = quantiles(waits, n=100)
    return Measured(
        len(waits) / took, 1000 * cuts[49], 1000 * cuts[98], 1e6 * work / len(waits), peak
    )


def _work(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _sync_milliseconds(folder: Path) -> float:
    took = []
    with (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(b"x" * 50_000)
            start = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - start)
    return 1000 * median(took)


def main() -> None:
    """Run both servers in turn, and print medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.receive")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ours = [sys.executable, "-m", "avon_analytics", "receive", "--port", "0"]
        ours += ["--archive", str(folder / "archive")]
        by_hand = [sys.executable, "-c", BY_HAND, str(folder / "by-hand.jsonl")]
        print(
            f"{given.connections} connections, bodies of {_BODY_BYTES:,} bytes; "
            f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}; "
            f"a sync of 50 kB takes {_sync_milliseconds(folder):.1f} ms; "
            f"load {os.getloadavg()[0]:.1f}\n"
        )
        print("| | a second | p50 | p99 | CPU each | peak memory |\n|---|---|---|---|---|---|")
        runs: dict[tuple[str, float | None], list[Measured]] = {}
        for _ in range(given.repeats):
            for rate in (None, given.rate):
                for name, command in (("ours, synced", ours), ("by hand, not synced", by_hand)):
                    found = measure(command, given.seconds, given.connections, rate)
                    runs.setdefault((name, rate), []).append(found)
        for (name, rate), measured in runs.items():
            how = "as fast as it goes" if rate is None else f"at {rate:,.0f} a second"
            print(
                f"| {name}, {how} | {median(m.per_second for m in measured):,.0f} | "
                f"{median(m.p50 for m in measured):.1f} ms | "
                f"{median(m.p99 for m in measured):.1f} ms | "
                f"{median(m.work for m in measured):.0f} µs | "
                f"{median(m.megabytes for m in measured):.0f} MB |"
            )


if __name__ == "__main__":
    main()
