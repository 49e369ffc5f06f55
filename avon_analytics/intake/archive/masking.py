"""URLs as they may be shown: without what opens them."""

from __future__ import annotations

import re

_URL = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*::)*)([A-Za-z][A-Za-z0-9+.-]+://)")
# Before these, another URL of a chain begins: simplecache::s3://bucket/file
_LINK = re.compile(r"::(?=[A-Za-z][A-Za-z0-9+.-]*(?:::|://))")
# What may be shown of a query, by name; who knows what else a secret is called.
_HARMLESS = {
    *("alt", "date", "day", "download", "ext", "file", "filename", "format", "generation", "month"),
    *("name", "page", "part", "path", "prefix", "region", "type", "v", "version", "versionid"),
    *("week", "year"),
}
_PORT = re.compile(r"[^:]*:\d*(?=[/?#]|$)")
_SERVER_END = re.compile(r"[/?#]|$")
_PATH_VALUE = re.compile(r"(;[^=/;?#]*=)[^/;?#]+")


def is_url(text: str) -> bool:
    """Whether a path names something behind a URL."""
    return _URL.match(text) is not None


def masked(url: str) -> str:
    """A URL without what opens it: user and password, fragment, and most values of its query."""
    return "::".join(_masked(part) for part in _LINK.split(url))


def _masked(url: str) -> str:
    scheme, sign, rest = url.partition("://")
    if not sign:
        return url
    # Elsewhere a file's name may hold ? and #, and what looks like a port begins a password.
    is_web = scheme.lower() in ("http", "https")
    end = _end_of_user(rest, is_web)
    user = "***@" if end else ""
    place, query_sign, query, fragment_sign, fragment = _parts(rest[end:])
    place = _PATH_VALUE.sub(r"\1***", place)
    return (
        f"{scheme}://{user}{place}{query_sign}{_values(query, is_web)}"
        f"{fragment_sign}{_values(fragment, is_web)}"
    )


def _end_of_user(rest: str, is_web: bool) -> int:
    """Where user and password end; a password may hold any sign, an ``@``, too."""
    end = _SERVER_END.search(rest).start()  # type: ignore[union-attr]
    user, sign, _ = rest[:end].rpartition("@")
    is_port = is_web and not sign and _PORT.match(rest)
    if ":" in (user if sign else rest[:end]) and not is_port and not rest.startswith("["):
        return rest.rfind("@") + 1
    return len(user) + len(sign)


def _parts(rest: str) -> tuple[str, str, str, str, str]:
    before, fragment_sign, fragment = rest.partition("#")
    place, query_sign, query = before.partition("?")
    return place, query_sign, query, fragment_sign, fragment


def _values(query: str, is_web: bool) -> str:
    return "".join(
        part if part in ("&", ";") else _value(part, is_web) for part in re.split(r"([&;])", query)
    )


def _value(part: str, is_web: bool) -> str:
    name, sign, value = part.partition("=")
    if not sign:
        return "***" if part and is_web else part
    return f"{name}={value if not value or name.lower() in _HARMLESS else '***'}"
