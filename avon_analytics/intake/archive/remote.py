"""Files of an archive in object stores and behind other URLs, streamed through ``fsspec``.

What is stored, shown and logged of a file is its URL without credentials; the URL as it was given
travels with the file, as long as that is at work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from glob import has_magic
from io import BufferedReader, RawIOBase
from typing import Any
from urllib.parse import urlsplit

from avon_analytics.errors import ArchiveError
from avon_analytics.intake.archive.masking import is_url, masked
from avon_analytics.intake.archive.remote_errors import in_our_words

_BLOCK_BYTES = 4 * 1024 * 1024  # what one request asks for; two of them are held
# How long a web server is waited for: an answer may take as long as it needs, while bytes come.
_CONNECT_SECONDS = 30
SILENT_SECONDS: float = 120


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file behind a URL: its name without credentials, and the URL where that says more.

    ``last`` is the last part of its path, ``modified_ns`` its time of change in nanoseconds; where
    the store gives an ETag, the fraction of its second stands for that, so that a file replaced
    within the second is seen to have changed. None means that the store does not say.
    """

    name: str
    url: str | None = field(repr=False)
    last: str
    size: int | None
    modified_ns: int | None
    is_in_folder: bool


def find_remote(url: str) -> Iterator[RemoteFile]:
    """The files that a URL names: one file, all in a folder, or what matches a glob.

    Raises ArchiveError where nothing is found, a package is missing or the store refuses.
    """
    name = masked(url)
    with in_our_words(name):
        files, place = file_system(url)
        files.invalidate_cache()
        try:
            found = {place: files.info(place)}
            in_folder = found[place].get("type") == "directory"
        except FileNotFoundError:
            found, in_folder = {}, False
            if has_magic(place):
                matches = files.glob(place, detail=True)
                found = {path: info for path, info in matches.items() if info["type"] == "file"}
            if not found:
                raise
        if in_folder:
            found = files.find(place, detail=True)
    is_single = not in_folder and place in found
    for path in sorted(found):
        real = url if is_single and name != url else url_of(path, url, files)
        shown = masked(real)
        yield RemoteFile(
            name=shown,
            url=real if real != shown else None,
            last=path.rstrip("/").rpartition("/")[2],
            size=found[path].get("size"),
            modified_ns=_changed_ns(found[path]),
            is_in_folder=in_folder,
        )


def url_of(path: str, given: str, files: Any) -> str:
    """The URL of what was found under another one, with its user and password if it has them."""
    chain, _, last = given.rpartition("::")
    server = urlsplit(last).netloc
    if "@" in server and not is_url(path):
        found = f"{last.partition('://')[0]}://{server}/{path.lstrip('/')}"
    else:
        found = str(files.unstrip_protocol(path))
    return f"{chain}::{found}" if chain and "::" not in found else found


def open_remote(url: str) -> BufferedReader:
    """Open a file to be read from its start to its end."""
    name = masked(url)
    with in_our_words(name):
        files, place = file_system(url)
        raw = files.open(place, "rb", block_size=_BLOCK_BYTES, cache_type="readahead")
    return BufferedReader(_Opened(name, raw, lambda: files.open(place, "rb", block_size=0)))


class _Opened(RawIOBase):
    """A remote file whose errors are in our words, read from its start to its end."""

    def __init__(self, name: str, raw: Any, in_one_answer: Callable[[], Any]) -> None:
        self._name = name
        self._raw = raw
        self._in_one_answer: Callable[[], Any] | None = in_one_answer
        self._size: int | None = getattr(raw, "size", None)
        self._at = 0

    def readinto(self, into: Any) -> int:
        with in_our_words(self._name):
            piece = self._next(len(into))
        if not piece and self._size is not None and self._at < self._size:
            raise ArchiveError(
                f"cannot read {self._name}: the store gave {self._at:,} of its {self._size:,} "
                "bytes, and no more; try again later, or copy the file to a disk first"
            )
        into[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _next(self, n_bytes: int) -> bytes:
        if self._in_one_answer is not None:
            piece = self._part(n_bytes)
            if piece is not None:
                return piece
            self._raw, self._in_one_answer = self._from_here(self._in_one_answer), None
        found: bytes = self._raw.read(n_bytes)
        return found

    def _part(self, n_bytes: int) -> bytes | None:
        """The next bytes; None where a web server serves no parts, or another one than asked."""
        try:
            piece: bytes = self._raw.read(n_bytes)
        except ValueError:
            return None
        is_whole = self._size is None or len(piece) >= min(n_bytes, self._size - self._at)
        return piece if is_whole else None

    def _from_here(self, in_one_answer: Callable[[], Any]) -> Any:
        """The rest of the file, of a web server that serves no parts of it."""
        self._raw.close()
        raw = in_one_answer()
        left = self._at
        while left and (piece := raw.read(min(left, _BLOCK_BYTES))):
            left -= len(piece)
        return raw

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        super().close()
        with in_our_words(self._name):
            self._raw.close()


def file_system(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ArchiveError(
            f"cannot read {masked(url)}: archives behind URLs need fsspec; "
            "install it with: pip install 'avon-analytics[remote]'"
        ) from None
    try:
        files, place = url_to_fs(url, **_patience(url))
    except ImportError:
        raise ArchiveError(
            f"cannot read {masked(url)}: {_package_for(url)}; or copy the files to a disk first"
        ) from None
    except ValueError:
        raise ArchiveError(
            f"cannot read {masked(url)}: fsspec knows no such kind of URL; "
            "it starts with s3://, gs://, https:// or the like"
        ) from None
    return files, place


def _patience(url: str) -> dict[str, Any]:
    """What tells fsspec how long to wait for a web server: it would end any answer in 5 minutes."""
    protocols = {part.partition("://")[0].lower() for part in url.split("::")}
    if not protocols & {"http", "https"}:
        return {}
    from aiohttp import ClientTimeout

    timeout = ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=SILENT_SECONDS)
    return {protocol: {"timeout": timeout} for protocol in protocols & {"http", "https"}}


def _package_for(url: str) -> str:
    from fsspec.registry import known_implementations

    protocol = url.partition("://")[0].rpartition("::")[2].lower()
    entry = known_implementations.get(protocol, {})
    known = entry.get("err", f"the package that opens {protocol}:// URLs is not installed")
    return f"{known} (the extra 'remote' of avon-analytics opens s3:// URLs)"


def _changed_ns(info: Mapping[str, Any]) -> int | None:
    """When a file changed, and which version of it that was, as one number."""
    found = next((info[key] for key in _TIMES if info.get(key) is not None), None)
    if isinstance(found, str):
        try:
            found = parsedate_to_datetime(found) if "," in found else datetime.fromisoformat(found)
        except ValueError:
            found = None
    seconds = found.timestamp() if isinstance(found, datetime) else found
    etag = next((str(info[key]) for key in _VERSIONS if info.get(key)), None)
    if etag is None:
        return None if seconds is None else int(float(seconds) * 1_000_000) * 1000
    version = int.from_bytes(hashlib.sha256(etag.encode()).digest()[:8], "big") % 10**9
    return int(float(seconds or 0)) * 10**9 + version


_TIMES = (
    *("LastModified", "last_modified", "mtime", "modified"),
    *("Last-Modified", "updated", "created"),
)
_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "Content-MD5")
