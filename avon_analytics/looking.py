"""What stands in a store's tables, looked at as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from avon_analytics.appointments.slots import slots
from avon_analytics.store import look
from avon_analytics.store.database import Database

if TYPE_CHECKING:
    import pandas as pd


class StoreTables:
    """The tables of a store, and the answers to queries."""

    _database: Database

    def tables(self) -> pd.DataFrame:
        """The tables of the store, one a row, in the order in which they are best read.

        Columns: ``table`` (str); ``kind`` (str): current (what is so now), history (each version
        of it), figures (slots and lifecycle as of the newest instant) or provenance (where
        everything came from); ``n_rows`` (Int64); ``description`` (str).

        Raises StoreError if there is no store.

        >>> store.tables().head(3)[["table", "kind", "n_rows"]]
                             table     kind  n_rows
        0                 patients  current      37
        1               caregivers  current       3
        2  patient_medical_centers  current      40
        """
        return look.tables(self._database, counted=slots.count_shown(self._database))

    def table(self, name: str, *, identifiers: bool = False) -> pd.DataFrame:
        """One table as a DataFrame: what one row is, and each column, the data dictionary says.

        Instants are ``datetime64`` in UTC, dates ``datetime64`` without a zone, texts ``str``,
        flags ``boolean``, whole numbers ``Int64``; what Avon did not send is missing. Objects
        stand in the order of their ids, rows of their lists as in the list, slots and lifecycle
        by start; histories and what was logged as they were written.

        Direct identifiers of patients and caregivers, free text and unknown fields are left out
        and named in ``.attrs["hidden"]``, unless ``identifiers=True``.

        Raises UnknownTable, listing the tables; StoreError if there is no store.

        >>> events = store.table("events")
        >>> events["event"].value_counts().head(3).to_dict()
        {'patient.created': 40, 'appointment.created': 30, 'appointment.completed': 14}
        """
        return look.table(self._database, name, identifiers=identifiers)

    def sql(
        self,
        query: str,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        **parameters: Any,
    ) -> pd.DataFrame:
        """The answer to a query: ``store.sql("… WHERE host = $host", host="user_…")``.

        Raw: identifiers are not hidden. The query can neither write nor read other files.

        params: values by name, in place of keywords or beside them, or a list of them, in the
            order of ``?`` in the query.

        Raises QueryError for a query that the engine refuses; UsageError where a value is given
        both ways, or where names stand beside a list.

        >>> store.sql("SELECT count(*) AS n FROM events WHERE event = $e", e="appointment.created")
            n
        0  30
        """
        return look.query(self._database, query, look.bound(params, parameters))
