"""The data dictionary: what every table of a store holds, as one page of Markdown.

Tables, columns and meanings are read off the contract and the lists of the store, so the page
cannot say what the store does not do. ``python -m avon_analytics.store.dictionary`` prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from textwrap import fill

from avon_analytics.store.tables import (
    EXTRA,
    LOG_TABLES,
    LogTable,
    ObjectTable,
    TableColumn,
    TableInfo,
    hidden_columns,
    object_tables,
    table_infos,
)

BOTH, NOW, VERSIONS = "both", "now", "versions"

_INSTANT = "TIMESTAMP WITH TIME ZONE"
_SHORT_TYPES = {_INSTANT: "TIMESTAMPTZ"}

_HEAD = """# Data dictionary

Every table and view of a store, with the type and the meaning of each column. This page is
generated from the code; `make test` fails if it is not up to date. To write it anew:

```sh not-run: it prints the whole page
python -m avon_analytics.store.dictionary > docs/data-dictionary.md
```

How to read it:

- **Column** is the name in the store. `TIMESTAMPTZ` stands for `TIMESTAMP WITH TIME ZONE`; all
  instants are UTC. Names that end in `_at` are instants, `_on` local calendar days, `_id` keys,
  `_hours`, `_minutes` and `_days` durations; `is_` begins a yes or no, `n_` a count. In SQL,
  `group` needs quotes: `"group"`.
- **In** says which of the two tables of a section has the column: *now* is the current state,
  *versions* the history with one row per event, *both* is both.
- **Hidden** columns are left out of `store.table(…)` unless `identifiers=True` is passed:
  *identifier* is a direct identifier of a person, *free text* is anything that somebody may have
  typed or that the contract does not know. `store.sql(…)` and the file itself hide nothing.
- In a file, `events`, `deliveries` and all histories are views, as the current state is. Their rows
  are written once, in a schema of their own named `stored`: an event has a number there
  (`event_no`), which its versions and the rows of its lists carry, and the row of an event that
  came once tells of its line, too. In a lake they are files with the columns below.
- A field that Avon did not send is missing (`NULL`). Lists become tables of their own, named after
  their parent; their rows carry the parent's id and `position`, the place in the list from 0.

A store also holds a small table `settings` (`name`, `value`) with its version and its time zone
and, with more than 100,000 events, tables `kept_…`, in which a load keeps what the views under
[figures](#figures) show. Read the views: these tables change with the package.
"""

_FIGURES: Mapping[str, str] = {
    "appointment_slots": "One row is one patient at one planned start of one appointment, and "
    "what became of it. As of the newest credible instant of the store, 24 hours of grace, late "
    "below 24 hours, without internal meetings.",
    "appointment_lifecycle": "One row is one appointment from booking to its end, under the same "
    "settings. What describes the patient is that of the first one among the attendees.",
}

_SHARED_BY_FIGURES: Mapping[str, tuple[str, str]] = {
    "appointment_id": ("VARCHAR", "The appointment"),
    "patient_id": ("VARCHAR", "The patient; missing where no attendee is one"),
    "start_at": ("TIMESTAMPTZ", "Planned start; of an appointment, its last one"),
    "end_at": ("TIMESTAMPTZ", "Planned end"),
    "start_on": ("DATE", "Local day of the planned start"),
    "start_hour": ("BIGINT", "Local hour of the planned start, 0 to 23"),
    "time_zone": ("VARCHAR", "The zone that is local: the visit's, the patient's or the store's"),
    "booked_at": ("TIMESTAMPTZ", "When the appointment was booked"),
    "planned_at": ("TIMESTAMPTZ", "When this start came to be planned: booked, or moved to"),
    "booked_on": ("DATE", "Local day of the booking"),
    "is_due": ("BOOLEAN", "Whether the planned end and the grace are over"),
    "started_at": ("TIMESTAMPTZ", "First instant reported for the start"),
    "completed_at": ("TIMESTAMPTZ", "First instant reported for the completion"),
    "cancelled_at": ("TIMESTAMPTZ", "When it was cancelled, if that is how it ended"),
    "booked_observed": ("BOOLEAN", "Whether appointment.created came"),
    "started_observed": ("BOOLEAN", "Whether appointment.started or appointment.in_progress came"),
    "completed_observed": ("BOOLEAN", "Whether appointment.completed came"),
    "cancelled_observed": ("BOOLEAN", "Whether appointment.cancelled came"),
    "internal": ("BOOLEAN", "Whether it is a meeting of staff; false throughout these views"),
    "host": ("VARCHAR", "The member of staff whose visit it is"),
    "appointment_type": ("VARCHAR", "The appointment type"),
    "name": ("VARCHAR", "The visit's name, as shown in the calendar"),
    "interaction_type": ("VARCHAR", "video_call, in_person, …"),
    "group": ("BOOLEAN", "Whether it is a group visit"),
    "self_booked": ("BOOLEAN", "Whether the patient booked it themself"),
    "recurring": ("BOOLEAN", "Whether it is a recurring series"),
    "patient_state": ("VARCHAR", "State of the first of the patient's addresses that has one"),
    "medical_center": ("VARCHAR", "The patient's first medical center"),
    "patient_age": ("BIGINT", "The patient's age in years on the day of the visit"),
}

_OF_SLOTS: Mapping[str, tuple[str, str]] = {
    "slot": ("BIGINT", "Number of the planned start within the appointment, from 1"),
    "lead_days": ("BIGINT", "Local days from the booking to this start"),
    "is_superseded": ("BOOLEAN", "Whether the visit was moved away from this start"),
    "is_last": ("BOOLEAN", "Whether it is the appointment's last planned start"),
    "moved_at": ("TIMESTAMPTZ", "When it was moved away"),
    "moved_to_at": ("TIMESTAMPTZ", "The planned start that it was moved to"),
    "outcome": ("VARCHAR", "attended, no_show, cancelled, rescheduled, unresolved or open"),
    "evidence": (
        "VARCHAR",
        "What decided the outcome: event, status_history, attendee or actual_time",
    ),
    "evidence_at": ("TIMESTAMPTZ", "The instant of that evidence; a flag no_show has none"),
    "source_word": ("VARCHAR", "The deciding status word as Avon wrote it"),
    "actual_start_at": ("TIMESTAMPTZ", "Actual start as Avon sent it"),
    "actual_end_at": ("TIMESTAMPTZ", "Actual end as Avon sent it"),
    "cancelled_by": ("VARCHAR", "patient, provider or unknown"),
    "cancelled_by_id": ("VARCHAR", "The person who cancelled, where one is named"),
    "reason": ("VARCHAR", "Why it was cancelled, as somebody wrote it"),
    "notice_hours": (
        "DOUBLE",
        "Start minus the cancellation or the move, in hours; negative after the start",
    ),
    "is_late": ("BOOLEAN", "Whether a cancellation gave less than 24 hours of notice"),
    "gone_at": (
        "TIMESTAMPTZ",
        "Since when it was open no more: cancelled, moved, attended or missed",
    ),
    "position": ("INTEGER", "Place of the patient among the attendees"),
    "is_shared": ("BOOLEAN", "Whether other patients have slots at the same start of the visit"),
}

_OF_LIFECYCLE: Mapping[str, tuple[str, str]] = {
    "first_start_at": ("TIMESTAMPTZ", "The first planned start"),
    "n_rescheduled": ("BIGINT", "How often the planned start was moved"),
    "n_slots": ("BIGINT", "Slots at the last planned start"),
    "n_no_show": ("BIGINT", "How many of these are no-shows"),
    "outcome": (
        "VARCHAR",
        "attended if any of these was; else no_show, cancelled, unresolved or open, in this order",
    ),
    "lead_days": ("BIGINT", "Local days from the booking to the first start"),
    "notice_hours": ("DOUBLE", "Start minus the cancellation, in hours; negative after the start"),
    "planned_minutes": ("DOUBLE", "Planned end minus planned start"),
    "actual_minutes": ("DOUBLE", "Actual end minus actual start"),
    "start_delay_minutes": ("DOUBLE", "Actual start minus planned start; negative if early"),
}

# Which columns a figure's view has, in its order; the views themselves live a floor above.
FIGURE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "appointment_slots": (
        *("appointment_id", "slot", "patient_id", "start_at", "end_at", "start_on", "start_hour"),
        *(
            "time_zone",
            "booked_at",
            "planned_at",
            "booked_on",
            "lead_days",
            "is_superseded",
            "is_last",
        ),
        *("moved_at", "moved_to_at", "is_due", "outcome", "evidence", "evidence_at"),
        *("source_word", "started_at", "completed_at", "actual_start_at", "actual_end_at"),
        *("cancelled_at", "cancelled_by", "cancelled_by_id", "reason", "notice_hours", "is_late"),
        *("booked_observed", "started_observed", "completed_observed", "cancelled_observed"),
        *("internal", "host", "appointment_type", "name", "interaction_type", "group"),
        *("self_booked", "recurring", "patient_state", "medical_center", "patient_age"),
        *("gone_at", "position", "is_shared"),
    ),
    "appointment_lifecycle": (
        *("appointment_id", "booked_at", "booked_on", "booked_observed", "first_start_at"),
        *("start_at", "end_at", "start_on", "start_hour", "time_zone", "started_at"),
        *("started_observed", "completed_at", "completed_observed", "cancelled_at"),
        *("cancelled_observed", "n_rescheduled", "n_slots", "n_no_show", "is_due", "outcome"),
        *("lead_days", "notice_hours", "planned_minutes", "actual_minutes"),
        *("start_delay_minutes", "internal", "host", "appointment_type", "name"),
        *("interaction_type", "group", "self_booked", "recurring", "patient_id"),
        *("patient_state", "medical_center", "patient_age"),
    ),
}
_MEANINGS = {
    "appointment_slots": {**_SHARED_BY_FIGURES, **_OF_SLOTS},
    "appointment_lifecycle": {**_SHARED_BY_FIGURES, **_OF_LIFECYCLE},
}

_DRIFT = (
    TableColumn(
        "kind", "VARCHAR", "event, object_type, field, status, time_zone or instant (one of 0)"
    ),
    TableColumn("path", "VARCHAR", "Its name; of a field, where it stands"),
    TableColumn(
        "json_type",
        "VARCHAR",
        "JSON type of what came, as the engine calls it (VARCHAR, UBIGINT, BIGINT, DOUBLE, "
        "BOOLEAN, OBJECT, ARRAY, NULL); missing for an event name",
    ),
    TableColumn(
        "value", "VARCHAR", "Of a status word, time zone or instant: what was sent", "free_text"
    ),
    TableColumn("first_seen_at", _INSTANT, "When the first event with it occurred"),
    TableColumn("last_seen_at", _INSTANT, "When the last event with it occurred"),
    TableColumn("n_seen", "BIGINT", "How often it came"),
)

_PLACE_IN_UNION = TableColumn("position", "INTEGER", "Place among all changes, by time, from 0")


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a table of columns."""

    column: TableColumn
    where: str = ""
    hidden: str = ""

    def cells(self, *, with_where: bool) -> str:
        """The line as Markdown."""
        kind = _SHORT_TYPES.get(self.column.sql_type, self.column.sql_type)
        cells = [f"`{self.column.name}`", kind, self.column.description]
        if with_where:
            cells.append(self.where)
        cells.append(self.hidden)
        if with_where:
            cells.append(self.column.in_limited)
        return "| " + " | ".join(cells) + " |"


def data_dictionary() -> str:
    """The whole page, in Markdown."""
    sections = [_HEAD, _contents()]
    sections.append("## Current state and history\n")
    sections += [_object_section(table) for table in object_tables()]
    sections.append("## Figures\n")
    sections += [_figure_section(info) for info in table_infos() if info.kind == "figures"]
    sections.append("## Provenance\n")
    sections += [_log_section(log) for log in LOG_TABLES]
    sections.append(_drift_section())
    return "\n".join(sections)


def meanings(table: str) -> dict[str, str]:
    """What each column of a table of figures means."""
    return {name: meaning for name, (_, meaning) in _MEANINGS[table].items()}


def _contents() -> str:
    infos = table_infos()
    lines = ["| Table | Its history | Holds |", "|---|---|---|"]
    for info in infos:
        if info.kind == "history":
            continue
        name = info.name
        home = "patients" if name == "caregivers" else name
        history = f"`{name}_versions`" if info.kind == "current" else ""
        lines.append(f"| [`{name}`](#{home}) | {history} | {info.description} |")
    return "\n".join(lines) + "\n"


# -- sections -------------------------------------------------------------------------------------


def _object_section(table: ObjectTable) -> str:
    rows = list(_object_rows(table))
    return _section(table.name, _object_intro(table), rows, with_where=True)


def _object_intro(table: ObjectTable) -> str:
    now, versions, kind = table.name, table.versions, table.object_type.replace("_", " ")
    if table.name == "patients":
        return (
            "One row of `patients` is one person who is a patient, one of `caregivers` one who "
            "only cares for somebody; both show the newest version. `people_versions` has one row "
            "per event about either; `patients_versions` and `caregivers_versions` are its two "
            "parts."
        )
    if table.name == "appointment_status_history":
        return (
            f"One row of `{now}` is one change of status: the union over all versions, each "
            f"change once, so that nothing is forgotten that a later version no longer reports. "
            f"`{versions}` holds the list as each event reported it."
        )
    if table.parent is not None:
        return (
            f"{table.description.partition(' (')[0]}. One row of `{now}` is one element of the "
            f"list `{table.list_field}` in the newest version of each {kind}; `{versions}` holds "
            f"the list of every version."
        )
    return (
        f"{table.description}. One row of `{now}` is one {kind} as its newest version reports; "
        f"`{versions}` has one row per event."
    )


def _object_rows(table: ObjectTable) -> Iterator[_Row]:
    """A person looks for Avon's own fields first; where a version came from stands behind them."""
    hidden = hidden_columns(table.name)
    of_versions = ("received_at",) if table.parent is None else ("event_id", "occurred_at")
    own = {"position", table.parent_id} if table.parent else set()
    keys = [c for c in table.key_columns if c.name in own]
    if table.name == "appointment_status_history":
        parent_id, position = keys
        yield from _rows([parent_id], hidden)
        yield from _rows([_PLACE_IN_UNION], hidden, {"position": NOW})
        yield from _rows([position], hidden, {"position": VERSIONS})
    else:
        yield from _rows(keys, hidden)
    yield from _rows(map(_with_meaning, table.field_columns), hidden)
    if table.is_deletable:
        deleted = TableColumn("deleted_at", _INSTANT, "When it was deleted; its row stays")
        yield from _rows([deleted], hidden, {"deleted_at": NOW})
    if table.model is not None:
        yield from _rows([EXTRA], hidden)
    others = [c for c in table.key_columns if c.name not in own]
    yield from _rows(others, hidden, dict.fromkeys(of_versions, VERSIONS))


def _with_meaning(column: TableColumn) -> TableColumn:
    return column if column.description else replace(column, description="Its id")


def _rows(
    columns: Iterable[TableColumn], hidden: frozenset[str], where: Mapping[str, str] | None = None
) -> Iterator[_Row]:
    for column in columns:
        why = (column.privacy or "free text").replace("_", " ") if column.name in hidden else ""
        yield _Row(column, (where or {}).get(column.name, BOTH), why)


def _figure_section(info: TableInfo) -> str:
    meanings, hidden = _MEANINGS[info.name], hidden_columns(info.name)
    columns = [TableColumn(name, *meanings[name]) for name in FIGURE_COLUMNS[info.name]]
    return _section(info.name, _FIGURES[info.name], list(_rows(columns, hidden)))


def _log_section(log: LogTable) -> str:
    rows = list(_rows(log.columns, hidden_columns(log.name)))
    return _section(log.name, f"{log.description}.", rows)


def _drift_section() -> str:
    intro = "One row is one event name, object type or field that the contract does not know."
    return _section("drift", intro, list(_rows(_DRIFT, hidden_columns("drift"))))


def _section(name: str, intro: str, rows: list[_Row], *, with_where: bool = False) -> str:
    head = ["Column", "Type", "Meaning", *(["In"] if with_where else []), "Hidden"]
    head += ["A limited store keeps"] if with_where else []
    lines = [
        f"### {name}",
        "",
        fill(intro, 100),
        "",
        "| " + " | ".join(head) + " |",
        "|---" * len(head) + "|",
    ]
    lines += [row.cells(with_where=with_where) for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(data_dictionary(), end="")
