"""The words that figures take, as types: an editor completes them inside the quotes.

Beside the fixed words any text is taken, which the methods check: ``custom:<key>`` names a custom
field, and an error says what was probably meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Literal

GroupWord = Literal[
    "host",
    "appointment_type",
    "name",
    "interaction_type",
    "group",
    "self_booked",
    "recurring",
    "weekday",
    "hour",
    "lead_band",
    "patient_state",
    "patient_age_band",
    "patient_visit",
    "medical_center",
    "notice_band",
    "cancelled_by",
    "reason",
    "released_by",
]
PeriodWord = Literal["day", "week", "month", "quarter", "year"]
NamedPeriodWord = Literal[
    "last-week",
    "last-month",
    "last-quarter",
    "last-year",
    "last-12-months",
    "year-to-date",
    "next-week",
    "next-month",
]
BasisWord = Literal["completed", "booked"]
UnitWord = Literal["appointment", "slot"]

GroupBy = GroupWord | str
By = GroupBy | Iterable[GroupBy]
Every = PeriodWord | str
NamedPeriod = NamedPeriodWord | str
Basis = BasisWord | str
Unit = UnitWord | str
DateLike = str | date | datetime

PERIODS_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("daily", "D"), "day"),
    **dict.fromkeys(("weekly", "W"), "week"),
    **dict.fromkeys(("monthly", "M", "MS", "ME"), "month"),
    **dict.fromkeys(("quarterly", "Q", "QS", "QE"), "quarter"),
    **dict.fromkeys(("yearly", "annual", "annually", "Y", "YS", "YE"), "year"),
    **{f"previous-{every}": f"last-{every}" for every in ("week", "month", "quarter", "year")},
    "ytd": "year-to-date",
}
"""What periods are called by others, pandas among them, and here."""
