"""What a store holds, in a few facts."""

from __future__ import annotations

from contextlib import suppress

from avon_analytics.appointments.slots.slots import default_as_of
from avon_analytics.errors import StoreError
from avon_analytics.printable import counted
from avon_analytics.store.database import Database
from avon_analytics.store.privacy import privacy_of
from avon_analytics.store.trouble import refuse_folder


def holdings(database: Database) -> dict[str, str]:
    """How much of what a store holds, from when to when; or in words why it says nothing.

    It raises nothing: what an object shows of itself is no place for an error.
    """
    file = {"file": database.path}
    try:
        if database.is_closed:
            return file | {"holds": "nothing any more: it was closed"}
        if not database.exists:
            refuse_folder(database.path)
            return file | {"holds": "nothing yet: load an archive"}
        return file | _held(database)
    except StoreError as error:
        return file | {"holds": str(error)}


def _held(database: Database) -> dict[str, str]:
    from avon_analytics.store.provenance import origin

    newest = None
    with suppress(StoreError):  # no event was received when it says
        newest = default_as_of(database)
    known = origin(database, newest, frames=())
    oldest = known.first_occurred_at
    with database.reading() as connection:
        is_limited = privacy_of(connection) == "limited"
    return {
        "holds": f"{counted(known.n_events, 'event')} from {counted(known.n_files, 'file')}",
        "about": _about(known.n_patients, known.n_appointments),
        "from": "–" if oldest is None else f"{oldest:%Y-%m-%d}",
        "to": "–" if newest is None else f"{newest:%Y-%m-%d}",
        "quarantined": f"{known.lines['quarantined']:,} of {counted(known.lines['lines'], 'line')}",
        "time zone": database.time_zone,
    } | ({"keeps": "a limited data set, without identifiers"} if is_limited else {})


def _about(n_patients: int, n_appointments: int) -> str:
    visits = counted(n_appointments, "appointment")
    if not n_patients and n_appointments:
        return f"{visits}; no records of patients came"
    return f"{counted(n_patients, 'patient')}, {visits}"
