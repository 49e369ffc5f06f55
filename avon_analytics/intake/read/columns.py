"""Columns in Arrow's layout: for the engine, and for the way from one process to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

_T = TypeVar("_T")


class Column(NamedTuple):
    """A column: its type, ``string``, ``binary`` or ``int64``, which values there are, and them.

    ``values`` are numbers, or bytes back to back, of which ``ends`` says where each one ends.
    """

    type: str
    n: int
    is_there: npt.NDArray[np.bool_] | None  # None: all are
    values: Any
    ends: npt.NDArray[np.int64] | None = None

    @property
    def buffers(self) -> list[Any]:
        """The buffers that Arrow asks for."""
        bits = None if self.is_there is None else np.packbits(self.is_there, bitorder="little")
        if self.ends is None:
            return [bits, self.values]
        return [bits, np.concatenate([[0], self.ends]).astype(np.int32), self.values]


def texts(values: Sequence[str | None]) -> Column:
    """A column of texts."""
    return _of_bytes("string", [None if value is None else value.encode() for value in values])


def blobs(values: Sequence[bytes | None], *, are_texts: bool = False) -> Column:
    """A column of bytes; ``are_texts``: of texts that are UTF-8 already."""
    return _of_bytes("string" if are_texts else "binary", values)


def _of_bytes(type_: str, given: Sequence[bytes | None]) -> Column:
    n = len(given)
    values, is_there = _filled(given, b"")
    ends = np.cumsum(np.fromiter(map(len, values), np.int64, n))
    return Column(type_, n, is_there, b"".join(values), ends)


def integers(given: Sequence[int | None] | npt.NDArray[np.int64]) -> Column:
    """A column of whole numbers."""
    n = len(given)
    if isinstance(given, np.ndarray):
        return Column("int64", n, None, np.ascontiguousarray(given, np.int64))
    values, is_there = _filled(given, 0)
    return Column("int64", n, is_there, np.fromiter(values, np.int64, n))


def _filled(given: Sequence[_T | None], nothing: _T) -> tuple[Sequence[_T], Any]:
    """Values with something in place of those that are not there, and which are."""
    if None not in given:
        return given, None  # type: ignore[return-value]
    is_there = np.fromiter((value is not None for value in given), np.bool_, len(given))
    return [nothing if value is None else value for value in given], is_there


def joined(columns: Sequence[Column]) -> Column:
    """One column of the values of several."""
    n = sum(column.n for column in columns)
    is_there = None
    if any(column.is_there is not None for column in columns):
        flags = [np.ones(c.n, np.bool_) if c.is_there is None else c.is_there for c in columns]
        is_there = np.concatenate(flags)
    if columns[0].ends is None:
        numbers = np.concatenate([column.values for column in columns])
        return Column(columns[0].type, n, is_there, numbers)
    starts = np.cumsum([0, *(len(column.values) for column in columns[:-1])])
    ends = [column.ends + start for column, start in zip(columns, starts, strict=True)]
    values = b"".join([column.values for column in columns])
    return Column(columns[0].type, n, is_there, values, np.concatenate(ends))
