"""Reading a file that a person wrote: labels, secrets."""

from __future__ import annotations

import errno
from pathlib import Path

_MOST = 16 << 20


def text_of(file: Path) -> str:
    """The text of a file, without the mark that editors may put first.

    Raises OSError, also for a file of over 16 MiB or a device without an end, and
    UnicodeDecodeError for what is no UTF-8.
    """
    with file.open(encoding="utf-8-sig") as opened:
        text = opened.read(_MOST + 1)
    if len(text) > _MOST:
        raise OSError(errno.EFBIG, "it holds more than 16 MiB")
    return text
