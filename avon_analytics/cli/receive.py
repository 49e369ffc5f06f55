"""The command ``receive``: Avon's calls, archived."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avon_analytics.cli import options as opt
from avon_analytics.errors import InputError, UsageError
from avon_analytics.printable import say

if TYPE_CHECKING:
    from avon_analytics.receive import server

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
# Room for a body's headers and, where it is no text, for its base64.
_LINE_PER_BODY, _LINE_MORE = 2, 64 * 1024
_MOST_BYTES = 1 << 30  # of a body, which is held in memory


def receive(
    archive: Annotated[
        Path,
        typer.Option(
            "--archive", metavar="DIR", readable=False, help="Where verified deliveries go."
        ),
    ],
    secrets_file: opt.SecretsFile = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 takes any free one.")
    ] = 8080,
    path: Annotated[
        str, typer.Option("--path", metavar="PATH", help="The path that takes deliveries.")
    ] = "/avon",
    max_bytes: Annotated[
        int | None,
        typer.Option(
            "--max-bytes",
            metavar="N",
            min=1,
            max=_MOST_BYTES,
            help="How long a body may be; 10 MiB.",
        ),
    ] = None,
    rejected_bytes: Annotated[
        int | None,
        typer.Option(
            "--rejected-bytes",
            metavar="N",
            min=0,
            help="How much is kept of what is not verified; 256 MiB.",
        ),
    ] = None,
    load: Annotated[
        Path | None,
        typer.Option(
            "--load", metavar="STORE", readable=False, help="Load the archive into this store."
        ),
    ] = None,
    every: Annotated[
        str, typer.Option("--every", metavar="TIME", help="How often: 30s, 5m or 1h.")
    ] = "5m",
    self_test: Annotated[
        bool,
        typer.Option(
            "--self-test", help="Sign and post to itself, beside the archive, say how it went, end."
        ),
    ] = False,
) -> None:
    """Take Avon's webhook calls and archive them: on disk before they are answered.

    What is not verified is kept apart, in DIR.rejected.
    """
    from avon_analytics.intake.read.signature import Secrets

    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401

        from avon_analytics.receive import server, upkeep
    except ImportError:
        raise UsageError('this needs a server: pip install "avon-analytics[receive]"') from None
    limit = server.MAX_BYTES if max_bytes is None else max_bytes
    loading = None
    if load is not None:
        from avon_analytics.intake.archive.lines import LINE_LIMIT

        line_limit = max(LINE_LIMIT, limit * _LINE_PER_BODY + _LINE_MORE)
        loading = upkeep.Loading(load.absolute(), _seconds(every), secrets_file, line_limit)
    settings = server.Settings(
        archive=_folder(archive),
        secrets=Secrets.read(secrets_file, may_skip=False),
        host=host,
        port=port,
        path=path,
        max_bytes=limit,
        rejected_bytes=server.REJECTED_BYTES if rejected_bytes is None else rejected_bytes,
        loading=loading,
    )
    if self_test:
        _test(settings)
        return
    receiver = server.Receiver(settings)
    say(f"taking deliveries at {receiver.url}, archiving them in {archive}")
    receiver.run()


def _folder(archive: Path) -> Path:
    """Where the archive is, by its own name: beside it stands a folder called after it."""
    folder = Path(os.path.abspath(archive))
    if not folder.name:
        raise UsageError(f"--archive {archive}: name a folder, not all of the disk")
    return folder


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,6})([smh]?)", text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not seconds:
        raise UsageError(f"--every {text!r}: expected a time, such as 30s, 5m or 1h")
    return seconds


def _test(settings: server.Settings) -> None:
    from avon_analytics.cli.output import emit
    from avon_analytics.receive.self_test import self_test

    checks = list(self_test(settings))
    for check in checks:
        emit(f"{'ok    ' if check.is_ok else 'FAILED'}  {check.what}\n")
    if not all(check.is_ok for check in checks):
        raise InputError("the receiver does not do what it should: see the checks that failed")
