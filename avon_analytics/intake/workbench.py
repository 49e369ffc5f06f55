"""The workbench: a connection to the engine, with temporary tables that every batch replaces."""

from __future__ import annotations

from typing import Any, TypeAlias

import duckdb
import pandas as pd

from avon_analytics.intake.engine import prepare
from avon_analytics.intake.judge import Verdict

# The number of a line, why it does not load, and the likely cause of a mismatch.
Refusal: TypeAlias = tuple[int, Verdict, str | None]


class Workbench:
    """A connection prepared for the intake's statements, and what all work on lines needs."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        connection.execute("SET TimeZone = 'UTC'")
        prepare(connection)

    def run(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement; returns all its rows."""
        return self.connection.execute(sql, parameters or None).fetchall()

    def refuse(self, refused: list[Refusal], *, is_of_line: bool = False) -> None:
        """Write verdicts: these lines do not load."""
        if not refused:
            return
        rows = [(nth, v.code, v.errors, cause, is_of_line) for nth, v, cause in refused]
        frame = pd.DataFrame(rows, columns=["nth", "code", "errors", "cause", "is_of_line"])
        self.connection.register("refused", frame.astype({"cause": "string"}))
        self.run("INSERT INTO verdicts SELECT * FROM refused")
        self.connection.unregister("refused")

    def update(
        self, column: str, values: list[tuple[int, str]], sql_type: str, table: str = "arrivals"
    ) -> None:
        """Write what was found out about some lines into a column."""
        if not values:
            return
        self.connection.register("new_values", pd.DataFrame(values, columns=["nth", "value"]))
        self.run(
            f"UPDATE {table} AS t SET {column} = CAST(n.value AS {sql_type}) "
            "FROM new_values AS n WHERE n.nth = t.nth"
        )
        self.connection.unregister("new_values")
