"""Files of an archive in object stores and behind other URLs, streamed through ``fsspec``.

A file is known by its URL without credentials: what is stored, shown and logged is that name, and
the URL as it was given is kept in this process alone, to open the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from glob import has_magic
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from avon_analytics.errors import ArchiveError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_CREDENTIAL = re.compile(r"(?i)sig|token|secret|passw|pwd|cred|key|auth|jwt|code")
_BLOCK_BYTES = 4 * 1024 * 1024  # what one request asks for; two of them are held

# Names without credentials, and the URLs with them: never stored, never shown.
_given: dict[str, str] = {}


def is_url(text: str) -> bool:
    """Whether a path names something behind a URL."""
    return _URL.match(text) is not None


def masked(url: str) -> str:
    """A URL without what opens it: user, password, and such values of its query."""
    try:
        parts = urlsplit(url)
        query = [
            (name, "***" if _CREDENTIAL.search(name) else value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ]
    except ValueError:
        return _URL.match(url)[0] + "***"  # type: ignore[index]
    host = parts.netloc.rpartition("@")[2]
    place = f"***@{host}" if "@" in parts.netloc else host
    hidden = any(value == "***" for _, value in query)
    if place == host and not hidden:
        return url
    text = urlencode(query, safe="*/", quote_via=quote) if hidden else parts.query
    return urlunsplit((parts.scheme, place, parts.path, text, parts.fragment))


def find_remote(url: str) -> Iterator[tuple[str, str, int | None, int | None, bool]]:
    """The files that a URL names: one file, all in a folder, or what matches a glob.

    Yields each file's name without credentials, the last part of it, its size, its time of change
    and whether it was found in a folder. The time is in nanoseconds; where the store tells an
    ETag, the fraction of its second stands for that, so that a file replaced within the second is
    seen to have changed. None means that the store does not tell.

    Raises ArchiveError where nothing is found, a package is missing or the store refuses.
    """
    name = masked(url)
    with _told_in_our_words(name):
        files, place = _file_system(url)
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
        real = url if is_single and name != url else _url_of(path, url, files)
        shown = masked(real)
        if shown != real:
            _given[shown] = real
        last = path.rstrip("/").rpartition("/")[2]
        size = found[path].get("size")
        yield shown, last, size, _changed_ns(found[path]), in_folder


def _url_of(path: str, given: str, files: Any) -> str:
    """The URL of what was found under another one, with its user and password if it has them."""
    server = urlsplit(given).netloc
    if "@" in server and not is_url(path):
        return f"{given.partition('://')[0]}://{server}/{path.lstrip('/')}"
    return str(files.unstrip_protocol(path))


def open_remote(name: str) -> BinaryIO:
    """Open a file by its name without credentials, to be read from its start to its end."""
    with _told_in_our_words(name):
        files, place = _file_system(_given.get(name, name))
        raw = files.open(place, "rb", block_size=_BLOCK_BYTES, cache_type="readahead")
    return cast(BinaryIO, _RemoteFile(name, raw))


class _RemoteFile:
    """A remote file whose errors are told in our words."""

    def __init__(self, name: str, raw: Any) -> None:
        self._name = name
        self._raw = raw
        self._start = b""
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        if self._at < len(self._start):
            piece = self._start[self._at :] if size < 0 else self._start[self._at :][:size]
        else:
            with _told_in_our_words(self._name):
                piece = bytes(self._raw.read(size))
            if self._at < 16:  # the first bytes tell how it is compressed, and are read twice
                self._start += piece
        self._at += len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        if (offset, whence) != (0, 0) or self._at > len(self._start):
            raise ArchiveError(f"cannot read {self._name}: it is read from its start to its end")
        self._at = 0
        return 0

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        with _told_in_our_words(self._name):
            self._raw.close()


def _file_system(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ArchiveError(
            f"cannot read {masked(url)}: archives behind URLs need fsspec; "
            "install it with: pip install 'avon-analytics[remote]'"
        ) from None
    try:
        files, place = url_to_fs(url)
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


def _package_for(url: str) -> str:
    from fsspec.registry import known_implementations

    protocol = url.partition("://")[0].lower()
    entry = known_implementations.get(protocol, {})
    known = entry.get("err", f"the package that opens {protocol}:// URLs is not installed")
    return f"{known} (the extra 'remote' of avon-analytics opens s3:// URLs)"


@contextmanager
def _told_in_our_words(name: str) -> Iterator[None]:
    """What a store's own messages say can hold keys and signed URLs: none is passed on."""
    try:
        yield
    except ArchiveError:
        raise
    except FileNotFoundError:
        raise ArchiveError(f"there is no file or folder {name}, and nothing matches it") from None
    except PermissionError:
        raise ArchiveError(
            f"cannot read {name}: the store refuses; are the credentials in its environment "
            "variables or configuration right, and may they list and read?"
        ) from None
    except Exception as error:
        kind = type(error).__name__
        if "Credentials" in kind:
            raise ArchiveError(
                f"cannot read {name}: no credentials were found; set them as its other clients "
                "want them, for S3 as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from None
        raise ArchiveError(
            f"cannot read {name}: the store cannot be reached or broke off ({kind})"
        ) from None


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
    "LastModified",
    "last_modified",
    "mtime",
    "modified",
    "Last-Modified",
    "updated",
    "created",
)
_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "Content-MD5")
