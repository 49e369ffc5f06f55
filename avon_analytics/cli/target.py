"""Where a result goes, and how it is written: what ``--format``, ``--out`` and ``--force`` say.

A file that is there already is replaced where it is a result of before: a page, workbook or
picture that says whom it is from, or a text that begins like the one to be written. Anything else
stays, unless somebody insists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from avon_analytics.cli.options import Format
from avon_analytics.errors import UsageError
from avon_analytics.whole_file import is_no_file

_MARK = b"avon_analytics"
_SHEET = b'name="Definitions"'
_LOOKED_AT = 1 << 16
_KEYS = re.compile(r'^    ("[^"]*"):', re.MULTILINE)
_NUMBER = re.compile(r"\s\S*\d")
_ENDINGS = {
    Format.table: (".txt",),
    Format.json: (".json",),
    Format.csv: (".csv",),
    Format.parquet: (".parquet",),
    Format.xlsx: (".xlsx",),
    Format.svg: (".svg",),
    Format.png: (".png",),
}
_NO_TEXT = (Format.parquet, Format.xlsx, Format.svg, Format.png)
CHARTS = (Format.svg, Format.png)


@dataclass(frozen=True, slots=True)
class Target:
    """A form, and a file or standard output."""

    form: Format
    out: Path | None = None
    force: bool = False

    def may_replace(self, text: str = "") -> None:
        """Raises UsageError for a file that is there and is no result of before.

        text: what is to be written, where it is a text.
        """
        if self.out is not None and not self.force:
            refuse_what_is_not_ours(self.out, text)


def target(form: Format | None, out: Path | None, force: bool, *, draws: bool = False) -> Target:
    """What the three options say together; without a format, the ending of the file decides.

    draws: whether there is a chart of it. Raises UsageError where format and ending disagree.
    """
    ending = "" if out is None or is_no_file(out) else out.suffix.lower()
    of_ending = next((one for one, endings in _ENDINGS.items() if ending in endings), None)
    if form is None:
        if ending and of_ending is None:
            raise UsageError(f"--out {out}: say --format, or name a file that ends in {_known()}")
        form = of_ending or Format.table
    elif ending and ending not in _ENDINGS[form]:
        raise UsageError(
            f"--out {out}: --format {form.value} is written to a file that ends in "
            f"{' or '.join(_ENDINGS[form])}"
        )
    if form in CHARTS and not draws:
        raise UsageError(f"--format {form.value}: there is no chart of this")
    if form in _NO_TEXT and out is None:
        raise UsageError(f"{form.value} is no text: name a file with --out")
    if form in CHARTS and not ending:
        raise UsageError(f"--out {out}: name a file that ends in .{form.value}")
    return Target(form, out, force)


def to_page(out: Path, force: bool) -> None:
    """Raises UsageError where the report, or the list beside it, cannot be written there."""
    if is_no_file(out):
        return
    from avon_analytics.report.page.content import Provenance
    from avon_analytics.report.page.files import checked_page, files_beside

    checked_page(out)
    if not force:
        refuse_what_is_not_ours(out)
        nothing = Provenance().archive_files.to_csv(index=False)
        refuse_what_is_not_ours(files_beside(out), nothing)


def refuse_what_is_not_ours(out: Path, text: str = "") -> None:
    """Raises UsageError for a file with something in it that this program did not write."""
    try:
        if not out.is_file() or not out.stat().st_size:
            return
        with out.open("rb") as file:
            first = file.read(_LOOKED_AT)
    except OSError:
        return  # whoever writes it says so
    was = _begins(first.decode("utf-8", "replace"))
    is_ours = _is_signed(out, first) or (bool(was) and was == _begins(text))
    if not is_ours:
        raise UsageError(
            f"{out} is there already, and not from here: name another file, or add --force"
        )


def _begins(text: str) -> str:
    """What a text begins with whatever it is about: the names of its columns, or its title."""
    if text.startswith("[\n"):
        return ",".join(_KEYS.findall(text.partition("\n  }")[0]))
    return _NUMBER.split(text.partition("\n")[0], maxsplit=1)[0].rstrip()


def _is_signed(path: Path, first: bytes) -> bool:
    if first.startswith(b"PK"):
        try:
            with ZipFile(path) as book:
                return _SHEET in book.read("xl/workbook.xml")
        except (BadZipFile, KeyError, OSError):
            return False
    if first.startswith(b"PAR1"):
        with path.open("rb") as file:
            file.seek(-min(path.stat().st_size, _LOOKED_AT), 2)
            return _MARK in file.read()
    is_marked = first.startswith(b"\x89PNG") or first.lstrip()[:1] == b"<"
    return is_marked and _MARK in first[:2048]


def _known() -> str:
    *most, last = _all(_ENDINGS.values())
    return f"{', '.join(most)} or {last}"


def _all(endings: Iterable[tuple[str, ...]]) -> list[str]:
    return [one for some in endings for one in some]
