"""What can be divided by, and what is said to a word that means one of it."""

from __future__ import annotations

import pytest

from avon_analytics.appointments.rows.groupings import _SAID_ELSEWHERE, GROUPINGS, groupings
from avon_analytics.appointments.rows.scope import NAMED_PERIODS, PERIODS
from avon_analytics.errors import UnknownGroup
from avon_analytics.figures.words import PERIODS_ELSEWHERE


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("provider", "Did you mean 'host'?"),
        ("Clinic", "Did you mean 'medical_center'?"),
        ("day of week", "Did you mean 'weekday'?"),
        ("weekday, hour", "by=['weekday', 'hour'] (--by weekday --by hour)"),
        ("month", "periods are asked for with every='month' (--every month)"),
        ("montth", "periods are asked for with every='month' (--every month)"),
        ("Weeks", "periods are asked for with every='week' (--every week)"),
        ("providr", "Did you mean 'host'?"),
        ("patient age", "Did you mean 'patient_age_band'?"),
        ("wekday", "Did you mean 'weekday'?"),
        ("canceled_by", "cancelled_by divides cancellations, and chooses rows of slots(…), alone."),
        ("outcom", "outcome chooses rows of slots(…) alone."),
        ("payer", "Did you mean 'custom:cfld_DemoPayerAAAAAA'?"),
        ("custom:payr", "Choices: "),
        ("custom:cfld_DemoPayr", "Did you mean 'custom:cfld_DemoPayerAAAAAA'?"),
        ("Insurence", "Did you mean 'custom:cfld_2'?"),
        ("hosts", "Did you mean 'host'?"),
        ("host_name", "Did you mean 'host'?"),
    ],
)
def test_a_word_that_means_one_of_them_is_answered_with_it(word: str, hint: str) -> None:
    with pytest.raises(UnknownGroup) as told:
        groupings(word, lambda: ["cfld_DemoPayerAAAAAA", "cfld_2"], fields={"cfld_2": "Insurance"})
    assert hint in str(told.value)
    assert "Choices: host, appointment_type" in str(told.value)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        (
            "cancelled_by",
            "cancelled_by divides cancellations, and chooses rows of slots(…), alone.",
        ),
        ("notice_band", "divides cancellations and refills"),
        ("released_by", "released_by divides refills alone."),
        ("outcome", "outcome chooses rows of slots(…) alone."),
        ("patient_state", "patient_state does not divide this figure."),
    ],
)
def test_what_is_a_grouping_elsewhere_is_not_called_unknown(name: str, answer: str) -> None:
    with pytest.raises(UnknownGroup) as told:
        groupings(name, general=("weekday", "hour"))
    assert answer in str(told.value)
    assert str(told.value).endswith(" Choices: weekday, hour")


def test_no_word_is_offered_that_divides_nothing_there() -> None:
    assert set(_SAID_ELSEWHERE.values()) <= set(GROUPINGS)
    assert not set(_SAID_ELSEWHERE) & set(GROUPINGS)
    assert set(PERIODS_ELSEWHERE.values()) <= {*PERIODS, *NAMED_PERIODS}
    with pytest.raises(UnknownGroup) as told:
        groupings("provider", general=("weekday", "hour"))
    assert "'host'" not in str(told.value)
