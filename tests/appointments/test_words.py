"""The words that an editor completes are those that the methods take."""

from __future__ import annotations

import typing

import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.rows.groupings import GROUPINGS, OF_CANCELLATIONS, OF_REFILLS
from avon_analytics.appointments.rows.scope import DATES, NAMED_PERIODS, PERIODS, On
from avon_analytics.figures import FIGURES, words


def option(figure: str, name: str) -> tuple[str, ...]:
    """The choices of a figure's option, as it declares them."""
    (choices,) = (one.choices for one in FIGURES[figure].options if one.name == name)
    return choices


@pytest.mark.parametrize(
    ("literal", "known"),
    [
        (words.GroupWord, {*GROUPINGS, *OF_CANCELLATIONS, *OF_REFILLS}),
        (words.PeriodWord, PERIODS),
        (words.NamedPeriodWord, NAMED_PERIODS),
        (words.BasisWord, option("outcomes", "basis")),
        (words.UnitWord, option("funnel", "unit")),
        (On, DATES),
    ],
)
def test_they_are_the_same(literal: object, known: object) -> None:
    assert set(typing.get_args(literal)) == set(known)  # type: ignore[call-overload]


def hints(method: object) -> dict[str, object]:
    """The types of a method. Where figures are declared, pandas is known to type checkers alone."""
    return typing.get_type_hints(method, localns={"pd": pd, "Cohort": Cohort})


def literals(method: object, name: str) -> set[object]:
    """What an editor finds in a parameter's type."""
    found, left = set(), [hints(method)[name]]
    while left:
        one = left.pop()
        if typing.get_origin(one) is typing.Literal:
            found |= set(typing.get_args(one))
        else:
            left += typing.get_args(one)
    return found


@pytest.mark.parametrize("figure", FIGURES)
def test_the_methods_of_the_figures_name_them(figure: str) -> None:
    method = getattr(Cohort, figure)
    for name, word in (("by", "host"), ("every", "month"), ("basis", "booked"), ("unit", "slot")):
        if name in hints(method):
            assert word in literals(method, name), name


def test_the_cohort_and_the_report_name_them() -> None:
    assert "last-month" in literals(avon.Store.appointments, "period")
    assert "booked" in literals(avon.Store.appointments, "on")
    assert "patient_visit" in literals(avon.Store.report, "by")
    assert "quarter" in literals(avon.Store.report, "every")
