"""The command ``forget``: a person's right to be no longer there."""

from __future__ import annotations

from typing import Annotated

import typer

from avon_analytics.cli import options as opt
from avon_analytics.cli.helpers import DB, WAIT_TO_READ, open_store
from avon_analytics.cli.output import emit, receipt_json
from avon_analytics.printable import say


def forget(
    patient_id: Annotated[
        str, typer.Argument(metavar="PATIENT_ID", help="The id, with user_ or bare.")
    ],
    db: opt.Db = DB,
    wait: opt.WaitToRead = WAIT_TO_READ,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")] = False,
) -> None:
    """Remove a person from every table and the quarantine, and keep later loads from bringing them.

    The store's file is written anew, so that no byte stays in it. The archive is not touched.
    """
    done = open_store(db, wait=wait).forget(patient_id)
    if not done.was_known:
        marked = "was forgotten before" if done.was_forgotten else "is marked all the same"
        say(f"avon-analytics: nothing of this id was found; it {marked}")
    if as_json:
        emit(receipt_json(done.as_dict()))
    else:
        emit(f"{done}\n")
