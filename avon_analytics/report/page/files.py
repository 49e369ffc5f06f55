"""The files of a report: the page, and beside it the list of its archive files."""

from __future__ import annotations

import os
from pathlib import Path

from avon_analytics.errors import UsageError
from avon_analytics.printable import printable
from avon_analytics.report.page.content import ReportContent
from avon_analytics.whole_file import is_no_file, refuse_to_replace, write_whole

_PAGE = (".html", ".htm")


def checked_page(out: Path) -> Path:
    """Where a page is to be written. Raises UsageError for a name that promises something else."""
    if out.suffix.lower() not in _PAGE and not is_no_file(out):
        is_name = bool(out.name) and not os.path.isdir(out)
        such = f", such as {out.with_suffix('.html')}" if is_name else ""
        raise UsageError(
            f"{out}: the report is a page of HTML: name a file that ends in .html{such}"
        )
    return out


def files_beside(out: Path) -> Path:
    """Where the list of archive files of a page stands: ``report.files.csv``."""
    return out.with_suffix(".files.csv")


def write(content: ReportContent, page: str, out: Path) -> Path:
    """Write a page and beside it the list of its archive files, each whole or not at all.

    The list has a row for each file of the archive, each with its SHA-256 and where its lines
    ended. Returns the path of the page. Raises UsageError where one cannot be written or would
    replace a file of the archive.
    """
    checked_page(out)
    archive = content.provenance.archive_files
    refuse_to_replace(out, archive["file"])
    shown = archive.assign(file=archive["file"].map(printable))
    files = shown.to_csv(index=False, lineterminator="\n")
    write_whole(
        files_beside(out),
        lambda part: part.write_bytes(files.encode()),
        never=archive["file"],
    )
    return write_whole(out, lambda part: part.write_text(page, "utf-8"))
