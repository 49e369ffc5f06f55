"""Checks this folder against the archive of deliveries that it rests on.

    python check.py                      the archive stands where it stood
    python check.py --archive FOLDER     a copy of it stands here
    python check.py --secrets-file FILE  check the signatures, too (lines: name = "secret")

Nothing but Python's standard library (3.11 or newer) is needed; ``.zst`` files want Python 3.14, or
to be unpacked beforehand (``zstd -d``). Nothing is written, and nothing of a delivery is printed.

It ends with code 0 if all is as it was, 1 if anything differs, 2 if not all could be looked at.
"""

from __future__ import annotations

import argparse
import base64
import bz2
import csv
import gzip
import hashlib
import hmac
import json
import os
import sys
import tomllib
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

HERE = Path(__file__).resolve().parent
PIECE = 1 << 20
ENVIRONMENT = "AVON_WEBHOOK_SECRET"
BODIES = ("body", "payload", "raw_body", "rawBody")


def rows_of(name: str) -> list[dict[str, str]]:
    """The rows of a table of this folder."""
    csv.field_size_limit(1 << 30)
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def found(file: str, archive: Path | None) -> Path | None:
    """Where a file of the archive stands: as named or, below ``archive``, by its last names."""
    spelled = (file, file.removesuffix(".zst"))
    if archive is None:
        return next((Path(name) for name in spelled if Path(name).is_file()), None)
    names = [name.replace("\\", "/").split("/") for name in spelled]
    places = (archive.joinpath(*one[n:]) for n in range(1, len(names[0])) for one in names)
    return next((place for place in places if place.is_file()), None)


def opened(place: Path) -> BinaryIO:
    """A file, decompressed as its first bytes say."""
    with place.open("rb") as file:
        head = file.read(4)
    if head[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.open(place))
    if head[:3] == b"BZh":
        return cast(BinaryIO, bz2.open(place))
    if head == b"\x28\xb5\x2f\xfd" or (head[1:] == b"\x2a\x4d\x18" and head[0] >> 4 == 5):
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]

        return cast(BinaryIO, zstd.open(place))
    return place.open("rb")


class Reader:
    """Reads a file once, from its start, and keeps the digest of all that was read."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.at, self.digest = file, 0, hashlib.sha256()

    def upto(self, end: int) -> Iterator[bytes]:
        """What stands from here to ``end``."""
        while self.at < end:
            piece = self.file.read(min(PIECE, end - self.at))
            if not piece:
                return
            self.at += len(piece)
            self.digest.update(piece)
            yield piece

    def line(self, start: int, length: int) -> bytes:
        """A line that begins at ``start``."""
        for _ in self.upto(start):
            pass
        return b"".join(self.upto(start + length))


def signed(line: bytes) -> Iterator[bytes]:
    """What may have been signed: each body of a delivery, as bytes."""
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        delivery = json.loads(line, parse_int=whole)
        for name in BODIES:
            body = delivery.get(name) if isinstance(delivery, dict) else None
            if isinstance(body, dict) and body.get("type") == "Buffer":
                yield bytes(body["data"])
            elif isinstance(body, dict):
                yield json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
            elif isinstance(body, str):
                yield body.encode()
                with suppress(ValueError):
                    yield base64.b64decode(body, validate=True)


def whole(text: str) -> float:
    """A whole number; of more than 4,300 digits, which Python refuses to convert, any other."""
    return int(text) if len(text) <= 4_300 else float(text)


def is_signed(line: bytes, secrets: list[str]) -> bool:
    """Whether the line holds the HMAC-SHA256 of its body under one of the secrets, as hex."""
    lowered = line.lower()
    return any(
        hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode() in lowered
        for body in signed(line)
        for secret in secrets
    )


def shown(text: str) -> str:
    """A text with signs that a terminal would obey written out."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


class Check:
    """Looks at everything, and keeps what is amiss."""

    def __init__(self, archive: Path | None, secrets: dict[str, str]) -> None:
        self.archive, self.secrets = archive, secrets
        self.number = tomllib.loads((HERE / "number.toml").read_text("utf-8"))
        self.differs: list[str] = []
        self.unseen: list[str] = []
        self.n_lines = self.n_signed = 0

    def folder(self) -> None:
        """The tables of this folder are those that were written, and the number is that of rows."""
        for name, digest in self.number["sha256"].items():
            table = HERE / name
            if not table.is_file() or hashlib.sha256(table.read_bytes()).hexdigest() != digest:
                self.differs.append(f"{name} is not as it was written")
        n = 0 if self.differs else len(rows_of("rows.csv"))
        if not self.differs and n != self.number["number"]:
            self.differs.append(f"rows.csv has {n} rows, and the number is {self.number['number']}")

    def files(self) -> None:
        """Each line of the archive is what it was."""
        lines: dict[str, list[dict[str, str]]] = {}
        for row in rows_of("deliveries.csv"):
            lines.setdefault(row["file"], []).append(row)
        for row in rows_of("files.csv"):
            file, place = row["file"], found(row["file"], self.archive)
            if row["state"] != "unchanged":
                self.unseen.append(f"{file}: {row['state']} when this folder was written")
            elif place is None:
                self.unseen.append(f"{file}: not found")
            else:
                try:
                    with opened(place) as opening:
                        self.file(Reader(opening), lines[file], row)
                except (gzip.BadGzipFile, zlib.error, EOFError):
                    self.differs.append(f"{file}: it is damaged")
                except ImportError:
                    self.unseen.append(f"{file}: unpack it first (zstd -d), or take Python 3.14")
                except OSError as error:
                    self.unseen.append(f"{file}: cannot be read ({type(error).__name__})")

    def file(self, reader: Reader, lines: list[dict[str, str]], row: dict[str, str]) -> None:
        """Each line of one file, and the file as far as it had been loaded."""
        file = row["file"]
        for entry in lines:
            line = reader.line(int(entry["byte_offset"]), int(entry["byte_length"]))
            place = f"{file}, line {entry['line']}"
            self.n_lines += 1
            if hashlib.sha256(line).hexdigest() != entry["sha256"]:
                self.differs.append(f"{place}: another line stands there")
            elif self.secrets and entry["signature"] == "verified":
                self.signature(line, entry, place)
        for _ in reader.upto(int(row["bytes"])):
            pass
        if reader.at != int(row["bytes"]) or reader.digest.hexdigest() != row["sha256"]:
            self.differs.append(f"{file}: it is not the file that was loaded")

    def signature(self, line: bytes, entry: dict[str, str], place: str) -> None:
        """A line that was verified is signed by one of the secrets."""
        if is_signed(line, list(self.secrets.values())):
            self.n_signed += 1
        elif not {entry["secret"], ENVIRONMENT}.intersection(self.secrets):
            self.unseen.append(f"{place}: signed with {entry['secret']}, a secret not given")
        elif entry["form"] == "parsed":  # its text in the line may be signed, spelled in any way
            self.unseen.append(f"{place}: the bytes that were signed")
        else:
            self.differs.append(f"{place}: none of the secrets signed it")


def secrets_of(file: Path | None) -> dict[str, str]:
    """The secrets of a file, by name, and of the environment, where any may stand."""
    known = os.environ.get(ENVIRONMENT)
    in_file: dict[str, Any] = {} if file is None else tomllib.loads(file.read_text("utf-8-sig"))
    named = {name: one for name, one in in_file.items() if isinstance(one, str)}
    return {**({ENVIRONMENT: known} if known else {}), **named}


def main() -> int:
    """Look at all of it, and say what was found."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--archive", type=Path, metavar="FOLDER")
    asked.add_argument("--secrets-file", type=Path, metavar="FILE")
    given = asked.parse_args()
    try:
        secrets = secrets_of(given.secrets_file)
    except (OSError, ValueError, RecursionError):
        expected = 'expected UTF-8 with lines name = "secret"'
        print(shown(f"cannot read {given.secrets_file}: {expected}"))
        return 2
    check = Check(given.archive, secrets)
    check.folder()
    if not check.differs:  # tables that somebody changed say nothing of an archive
        check.files()
    print(shown(f"{check.number['in_words']}: {check.number['number']}"))
    print(f"lines compared with the archive: {check.n_lines}")
    print(f"signatures checked with a secret: {check.n_signed}")
    for what, entries in (("DIFFERS", check.differs), ("not looked at", check.unseen)):
        for one in entries:
            print(shown(f"{what}: {one}"))
    if check.differs:
        return 1
    if check.unseen:
        print(f"could not be looked at: {len(check.unseen)}, named above; the rest is as it was")
        return 2
    print("all is as it was")
    return 0


if __name__ == "__main__":
    sys.exit(main())
