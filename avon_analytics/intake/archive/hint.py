"""What a file is that is no archive of lines, as its first and last bytes say."""

from __future__ import annotations

import codecs

from avon_analytics.intake.archive.values import after_blanks, begins_object

HEAD_BYTES, FOOT_BYTES = 64 * 1024, 64


def hint(head: bytes, foot: bytes) -> str | None:
    """What a file is that begins and ends with these bytes, and how to make lines of it.

    None where it looks like lines of JSON, or like nothing that is known.
    """
    has_mark = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if has_mark or head[:2].count(b"\0") == 1:  # every other byte of plain letters
        return _UTF16
    start = after_blanks(head)
    if head[start : start + 1] == b"[" and foot.rstrip().endswith(b"]"):
        return _ARRAY
    first, _, others = head[start:].partition(b"\n")
    is_next_another = others.lstrip().startswith(b"{")  # then the first line is torn
    if others and not is_next_another and begins_object(first):
        return _SPREAD
    return None


_UTF16 = (
    "it is text in UTF-16; an archive is in UTF-8. Convert it, for example with: "
    "iconv -f UTF-16 -t UTF-8 FILE > NEW.jsonl"
)
_ARRAY = (
    "it is one JSON array; an archive has one JSON object a line. Convert it, for example with: "
    "jq -c '.[]' FILE > NEW.jsonl"
)
_SPREAD = (
    "its JSON objects span several lines; an archive has one a line. Convert it, for example "
    "with: jq -c . FILE > NEW.jsonl"
)
