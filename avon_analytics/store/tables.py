"""Which tables a store has: read off the contract for what Avon sends, listed for provenance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from avon_analytics.contract import OBJECTS, AvonObject
from avon_analytics.contract.model import ColumnOf, Part, columns_of, lists_of
from avon_analytics.contract.values import Privacy


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column as it stands in the store."""

    name: str
    sql_type: str
    description: str
    privacy: Privacy | None = None
    in_limited: str = ""  # what a limited data set keeps of it, and why


@dataclass(frozen=True, slots=True)
class ObjectTable:
    """The versions of one object type, or of one of its nested lists, and how they read JSON."""

    name: str
    object_type: str
    parent: ObjectTable | None
    list_field: str | None
    model: type[Part] | None
    fields: tuple[ColumnOf, ...]
    description: str

    @property
    def versions(self) -> str:
        """The physical table: one row per event, or per event and element."""
        return "people_versions" if self.name == "patients" else f"{self.name}_versions"

    @property
    def parent_id(self) -> str:
        """The column that holds the id of a child's parent, such as ``patient_id``."""
        return f"{self.object_type}_id"

    @property
    def key_columns(self) -> tuple[TableColumn, ...]:
        """What stands before Avon's own fields in the versions."""
        event_id = TableColumn("event_id", "VARCHAR", "The event that reported this version")
        occurred = TableColumn("occurred_at", _INSTANT, "When that event occurred")
        if self.parent is None:
            return (
                event_id,
                TableColumn("event", "VARCHAR", "The event's name, in the newest word for it"),
                occurred,
                TableColumn("received_at", _INSTANT, "When it was first received"),
            )
        return (
            event_id,
            occurred,
            TableColumn(self.parent_id, "VARCHAR", f"The {self.object_type}"),
            TableColumn("position", "INTEGER", "Place in the list, from 0"),
        )

    @property
    def field_columns(self) -> tuple[TableColumn, ...]:
        """Avon's own fields."""
        return tuple(
            TableColumn(
                f.name, f.column.sql_type, f.description, f.column.privacy, f.column.in_limited
            )
            for f in self.fields
        )

    @property
    def columns(self) -> tuple[TableColumn, ...]:
        """All columns of the versions, in order."""
        return (*self.key_columns, *self.field_columns, *((EXTRA,) if self.model else ()))

    @property
    def is_deletable(self) -> bool:
        """Whether an event of the contract says that an object of this type was deleted."""
        return self.parent is None and self.object_type in ("message", "document")


_INSTANT = "TIMESTAMP WITH TIME ZONE"

EXTRA = TableColumn(
    "extra",
    "JSON",
    "Fields that the contract does not know, as sent",
    privacy="free_text",
    in_limited="some: paths and JSON types, with empty values",
)


@cache
def object_tables() -> tuple[ObjectTable, ...]:
    """Every table that derives from the contract, a parent before its children."""
    found: list[ObjectTable] = []
    for object_type, model in OBJECTS.items():
        root = _root_table(object_type, model)
        found.append(root)
        for nested in lists_of(model):
            is_model = not isinstance(nested.item, ColumnOf)
            found.append(
                ObjectTable(
                    name=f"{object_type}_{nested.field}",
                    object_type=object_type,
                    parent=root,
                    list_field=nested.field,
                    model=nested.item if is_model else None,  # type: ignore[arg-type]
                    fields=columns_of(nested.item) if is_model else (nested.item,),  # type: ignore[arg-type]
                    description=f"{nested.description} (of each {object_type.replace('_', ' ')})",
                )
            )
    return tuple(found)


def _root_table(object_type: str, model: type[AvonObject]) -> ObjectTable:
    summary = (model.__doc__ or "").partition("\n")[0].rstrip(".")
    return ObjectTable(
        name=model.table,
        object_type=object_type,
        parent=None,
        list_field=None,
        model=model,
        fields=columns_of(model),
        description=summary,
    )


def tables_of(object_type: str) -> tuple[ObjectTable, ...]:
    """The table of an object type and those of its lists."""
    return tuple(table for table in object_tables() if table.object_type == object_type)


@dataclass(frozen=True, slots=True)
class LogTable:
    """A table that the loader keeps about its own work."""

    name: str
    description: str
    columns: tuple[TableColumn, ...]


def _log(name: str, description: str, *columns: tuple[str, str, str]) -> LogTable:
    return LogTable(name, description, tuple(TableColumn(*column) for column in columns))


LOG_TABLES: tuple[LogTable, ...] = (
    _log(
        "events",
        "One row per distinct event",
        (
            "event_id",
            "VARCHAR",
            "event:object id:milliseconds, after the delivery id where one was sent",
        ),
        ("event", "VARCHAR", "The event's name; appointment.in_progress is appointment.started"),
        ("event_sent", "VARCHAR", "The event's name as it was sent"),
        ("object_type", "VARCHAR", "What the event is about"),
        ("object_id", "VARCHAR", "Which one"),
        ("occurred_at", _INSTANT, "When it occurred"),
        ("occurred_at_source", "VARCHAR", "event, object or received: where that instant stood"),
        ("received_at", _INSTANT, "When it was first received"),
        ("signature", "VARCHAR", "The strongest word of all its deliveries"),
        ("secret", "VARCHAR", "The name of the secret that matched"),
        ("file", "VARCHAR", "The archive file of the earliest receipt"),
        ("line", "BIGINT", "The line in that file, from 1"),
        ("byte_offset", "BIGINT", "Where that line starts, in decompressed bytes"),
        ("byte_length", "BIGINT", "How long it is, without its end"),
        ("n_deliveries", "BIGINT", "How often the event came"),
        ("body_digest", "UUID", "Digest of what the body says, however it is spelled"),
        ("conflict_rank", "UUID", "How its content stands in a conflict: the smaller wins"),
        ("extra", "JSON", "Top-level fields of the body that the contract does not know"),
    ),
    _log(
        "other_objects",
        "One row per event about an object type that the contract does not know",
        ("event_id", "VARCHAR", "The event"),
        ("event", "VARCHAR", "The event's name"),
        ("occurred_at", _INSTANT, "When it occurred"),
        ("object_type", "VARCHAR", "What it is about"),
        ("object_id", "VARCHAR", "Which one"),
        ("object", "JSON", "The object as it was sent"),
    ),
    _log(
        "deliveries",
        "One row per archive line and where it ended; blank lines are only counted. Deliveries "
        "that share a line differ by byte_offset",
        ("load_id", "BIGINT", "The load that read it"),
        ("file", "VARCHAR", "The archive file"),
        ("line", "BIGINT", "The line, from 1"),
        ("byte_offset", "BIGINT", "Where it starts, in decompressed bytes"),
        ("byte_length", "BIGINT", "How long it is, without its end"),
        ("form", "VARCHAR", "raw, base64, parsed or bare"),
        ("ended", "VARCHAR", "loaded, duplicate or quarantined"),
        ("code", "VARCHAR", "Why it was quarantined"),
        ("event_id", "VARCHAR", "The event that it reported"),
        ("signature", "VARCHAR", "verified, mismatch, unsigned, unverifiable or unchecked"),
        ("secret", "VARCHAR", "The name of the secret that matched"),
        ("received_at", _INSTANT, "When it was received"),
        ("unset_receipt", "VARCHAR", "The receipt as sent where it is 0, which means not set"),
        ("body_digest", "UUID", "Of a line that lost a conflict: the digest of what it says"),
        ("conflict_rank", "UUID", "And how it stood: the smaller wins"),
    ),
    _log(
        "archive_files",
        "One row per archive file, as it was last read",
        ("file", "VARCHAR", "The file"),
        ("load_id", "BIGINT", "The load that last read it"),
        ("size", "BIGINT", "Its size on disk, in bytes; missing if it was damaged or cut short"),
        ("modified_ns", "BIGINT", "Its time of change, in nanoseconds since 1970"),
        ("bytes_read", "BIGINT", "Decompressed bytes up to the end of the last line read"),
        ("last_line", "BIGINT", "Number of the last line read"),
        (
            "rest_offset",
            "BIGINT",
            "Where that line starts, if it has no end and is no whole delivery",
        ),
        (
            "pending_bytes",
            "BIGINT",
            "Bytes of a delivery in the middle of which the file ends; they are read again",
        ),
        ("sha256", "VARCHAR", "SHA-256 of the decompressed bytes up to there"),
        ("lines", "BIGINT", "Lines read: blank + loaded + duplicate + quarantined"),
        ("blank", "BIGINT", "Blank lines"),
        ("loaded", "BIGINT", "Lines that reported a new event"),
        ("duplicate", "BIGINT", "Lines that reported a known event again"),
        ("quarantined", "BIGINT", "Lines that did not load"),
    ),
    _log(
        "loads",
        "One row per load",
        ("load_id", "BIGINT", "Number of the load, from 1"),
        ("loaded_at", _INSTANT, "When it was started, by this machine's clock"),
        ("version", "VARCHAR", "Version of avon_analytics"),
        ("policy", "VARCHAR", "require, record or skip"),
        ("secrets", "VARCHAR", "Names of the secrets that were tried"),
        ("files", "BIGINT", "Files read"),
        ("files_unchanged", "BIGINT", "Files known to be unchanged, not read again"),
        ("files_passed_over", "BIGINT", "Files in the folders that are no archive files"),
        ("lines", "BIGINT", "Lines read: blank + loaded + duplicate + quarantined"),
        ("blank", "BIGINT", "Blank lines"),
        ("loaded", "BIGINT", "Lines that reported a new event"),
        ("duplicate", "BIGINT", "Lines that reported a known event again"),
        ("quarantined", "BIGINT", "Lines that did not load"),
    ),
    LogTable(
        "quarantine",
        "One row per line that did not load, and why",
        (
            TableColumn("load_id", "BIGINT", "The load that read it"),
            TableColumn("file", "VARCHAR", "The archive file"),
            TableColumn("line", "BIGINT", "The line, from 1"),
            TableColumn("byte_offset", "BIGINT", "Where it starts, in decompressed bytes"),
            TableColumn("byte_length", "BIGINT", "How long it is, without its end"),
            TableColumn("sha256", "VARCHAR", "SHA-256 of the line"),
            TableColumn("code", "VARCHAR", "The first reason that holds"),
            TableColumn("errors", "JSON", "All reasons: code, path and expectation of each"),
            TableColumn("cause", "VARCHAR", "Likely cause of a signature_mismatch"),
            TableColumn("content", "BLOB", "The line itself, where it is kept", "free_text"),
        ),
    ),
    _log(
        "forgotten",
        "One row per mark that keeps a forgotten person from coming back; it names nobody",
        (
            "mark",
            "VARCHAR",
            "HMAC-SHA256 of an id or a line's digest, under a random key",
        ),
        (
            "kind",
            "VARCHAR",
            "person, object (theirs, unless others take part), thread or visit (texts in it go), "
            "aside (who took part in a visit of theirs, and was no patient), or line (one that did "
            "not load)",
        ),
        ("forgotten_at", _INSTANT, "When it was marked, by this machine's clock"),
    ),
)


@cache
def stored_tables() -> dict[str, tuple[TableColumn, ...]]:
    """The columns of everything that is no view over the rest, by name: logs and versions."""
    logs = {log.name: log.columns for log in LOG_TABLES}
    return logs | {table.versions: table.columns for table in object_tables()}


@dataclass(frozen=True, slots=True)
class TableInfo:
    """What a person sees of a table in a list of tables."""

    name: str
    kind: str
    description: str


@cache
def table_infos() -> tuple[TableInfo, ...]:
    """Every table and view of a store, in the order in which they are best read."""
    current: list[TableInfo] = []
    history: list[TableInfo] = []
    for table in object_tables():
        name, text = table.name, table.description
        if name == "patients":
            current.append(TableInfo(name, "current", "People who are patients"))
            current.append(TableInfo("caregivers", "current", "People who are only caregivers"))
            history.append(TableInfo("patients_versions", "history", "Every version of a patient"))
            history.append(
                TableInfo("caregivers_versions", "history", "Every version of a caregiver")
            )
            text = "Patients and caregivers"
        elif name == "appointment_status_history":
            union = "Every change of status that any version reports, each once"
            current.append(TableInfo(name, "current", f"{union} (of each appointment)"))
        else:
            current.append(TableInfo(name, "current", text))
        history.append(TableInfo(table.versions, "history", f"Every version: {text}"))
    figures = (
        TableInfo("appointment_slots", "figures", "One patient and one planned start, its outcome"),
        TableInfo("appointment_lifecycle", "figures", "One appointment from booking to its end"),
    )
    provenance = [TableInfo(log.name, "provenance", log.description) for log in LOG_TABLES]
    drift = TableInfo(
        "drift",
        "provenance",
        "What the contract does not know: events, types, fields, words, zones, instants of 0",
    )
    return (*current, *figures, *history, *provenance, drift)


@cache
def order_of(name: str) -> tuple[str, ...]:
    """The columns that put the rows of a view in order: the engine has them in whichever.

    Empty for a table, and for a view of rows as they were written, which have an order.
    """
    orders = {
        "caregivers": ("id",),
        "appointment_slots": ("start_at", "appointment_id", "slot", "patient_id"),
        "appointment_lifecycle": ("start_at", "appointment_id"),
        "drift": ("kind", "path", "json_type", "value"),
    }
    for table in object_tables():
        orders[table.name] = (table.parent_id, "position") if table.parent else ("id",)
    return orders.get(name, ())


@cache
def hidden_columns(name: str) -> frozenset[str]:
    """The columns of a table that are not shown unless identifiers are asked for."""
    log = {log.name: log.columns for log in LOG_TABLES}
    if name == "drift":
        return frozenset({"value"})
    if name == "other_objects":
        return frozenset({"object"})
    if name == "events":
        return frozenset({"extra"})
    if name in log:
        return frozenset(column.name for column in log[name] if column.privacy)
    people = {"caregivers": "patients", "caregivers_versions": "people_versions"}
    people["patients_versions"] = "people_versions"
    wanted = people.get(name, name)
    for table in object_tables():
        if wanted in (table.name, table.versions):
            return frozenset(column.name for column in table.columns if column.privacy)
    return frozenset()
