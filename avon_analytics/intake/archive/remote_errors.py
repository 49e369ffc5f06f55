"""What object stores and web servers answer in place of a file, in our words.

What they say themselves can hold keys and signed URLs: nothing of it is passed on but a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from avon_analytics.errors import ArchiveError

_MISSING = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED}
_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


@contextmanager
def in_our_words(name: str) -> Iterator[None]:
    """Whatever fails about a remote file raises ArchiveError: what was answered, what to do."""
    try:
        yield
    except ArchiveError:
        raise
    except Exception as error:
        origin = _origin(error)
        status = _status(origin)
        if isinstance(origin, FileNotFoundError) or status in _MISSING:
            what = f"there is no file or folder {name}, and nothing matches it"
        else:
            what = f"cannot read {name}: {_answered(origin, status)}"
        raise ArchiveError(what) from None


def _answered(error: BaseException, status: int | None) -> str:
    kind = type(error).__name__
    if "Credentials" in kind:
        return (
            "no credentials were found; set them as its other clients want them, for S3 as "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if "Redirect" in kind:
        return "the server leads on to other addresses, and to no file; is the URL right?"
    if _is_of_the_web(error) and status in _REFUSED:
        return (
            f"the server refuses ({_told(status)}); are the user and password or the signature in "
            "the URL right, and is it still valid?"
        )
    if isinstance(error, PermissionError) or status in _REFUSED:
        return (
            "the store refuses; are the credentials in its environment variables or configuration "
            "right, and may they list and read?"
        )
    if status is not None and (status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR):
        return f"the server cannot give it now ({_told(status)}); try again later"
    if status is not None:
        return f"the server does not give it ({_told(status)}); is the URL right?"
    if isinstance(error, TimeoutError) or "Timeout" in kind:
        return "the server did not answer in time; try again later"
    return (
        f"the store cannot be reached or broke off ({kind}); is its address right? If it is, try "
        "again later"
    )


def _origin(error: BaseException) -> BaseException:
    """What happened: fsspec says of all that happens to web servers that there is no file."""
    cause = error.__cause__
    is_web = cause is not None and (
        _is_of_the_web(cause) or isinstance(cause, TimeoutError | ValueError)
    )
    return cause if cause is not None and is_web else error


def _is_of_the_web(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] == "aiohttp"


def _status(error: BaseException) -> int | None:
    """The number that a web server answered with, or a store that speaks as one."""
    answer = getattr(error.__cause__, "response", None)
    kept = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
    found = getattr(error, "status", kept.get("HTTPStatusCode"))
    return found if isinstance(found, int) else None


def _told(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
