"""Bookings of the shape of two published data sets, made up from their published marginals.

Neither data set is part of the project. What is taken from them are counts and shares that whoever
published or described them printed; everything else is drawn with a seed.

*Missed by lead time.* "Medical Appointment No Shows" (J. Hoppen, 2016, Kaggle, file
KaggleV2-May-2016): 110,527 appointments in 81 neighbourhoods of Vitória, on 27 days from 29 April
to 8 June 2016, 22,319 of them (20.2 %) missed. Booked on the same day are 38,563 (34.9 %), of which
4.6 % were missed; from one day ahead on more than a fifth, from two weeks on a third. Nothing in it
was cancelled. The shares by days ahead below are approximate: chosen to agree with these totals and
with what is commonly reported of the file, not computed from it.

*Cancelled long before.* Antonio, N., de Almeida, A. and Nunes, L. (2019), Hotel booking demand
datasets, Data in Brief 22, 41-49: 119,390 bookings of two hotels (40,060 and 79,330; 27.8 % and
41.7 % cancelled, together 37.0 %), arrivals from 1 July 2015 to 31 August 2017; 1,207 did not show
up. Booked a median of 69 days ahead, a mean of 104, up to two years. A sixth came in groups, which
are cancelled more often, and as one. The shares by days ahead are again approximate, and not
computed from the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Leads:
    """Of bookings made from ``first`` to ``last`` days ahead: the share of all, and of it the share
    that ended badly."""

    first: int
    last: int
    of_all: float
    ended: float


MISSED = (
    Leads(0, 0, 0.349, 0.046),
    Leads(1, 1, 0.047, 0.213),
    Leads(2, 3, 0.086, 0.237),
    Leads(4, 7, 0.158, 0.252),
    Leads(8, 14, 0.115, 0.305),
    Leads(15, 30, 0.165, 0.325),
    Leads(31, 60, 0.060, 0.340),
    Leads(61, 120, 0.020, 0.280),
)
CANCELLED = (
    Leads(0, 7, 0.165, 0.096),
    Leads(8, 30, 0.158, 0.278),
    Leads(31, 90, 0.246, 0.377),
    Leads(91, 180, 0.221, 0.447),
    Leads(181, 365, 0.184, 0.555),
    Leads(366, 630, 0.026, 0.670),
)
_IN_GROUPS = 0.166
_GROUP_SIZE = 8
_NO_SHOW = 1_207 / 119_390


def missed(scale: float, seed: int, n_hosts: int = 81) -> pd.DataFrame:
    """So much of 110,527 appointments on 27 days: attended or missed, never cancelled.

    Hosts and days differ beyond chance: standard deviations of 0.15 and 0.08 on the logit scale.
    """
    rng = np.random.default_rng(seed)
    n = round(110_527 * scale)
    days = pd.bdate_range("2016-04-29", "2016-06-08").difference(
        pd.to_datetime(["2016-05-26", "2016-05-27"])
    )
    size = rng.dirichlet(np.full(n_hosts, 1.2))
    host = rng.choice(n_hosts, n, p=size)
    day = rng.integers(0, len(days), n)
    lead, share = _leads(rng, MISSED, n)
    effect = 0.15 * rng.standard_normal(n_hosts)[host] + 0.08 * rng.standard_normal(len(days))[day]
    start = _seconds(days)[day] + rng.integers(8 * 2, 17 * 2, n) * _HOUR // 2
    booked = start - lead * 24 * _HOUR - rng.integers(1, 7 * 60, n) * 60
    word = np.where(rng.uniform(size=n) < _moved(share, effect), "no_show", "completed")
    return _bookings(booked, start, start + _HOUR, word, host, rng.integers(0, n * 62 // 110, n))


def cancelled(scale: float, seed: int, n_hosts: int = 2) -> pd.DataFrame:
    """So much of 119,390 bookings on 793 days: attended, missed or, mostly long before, cancelled.

    A sixth is in groups of about eight, which share their day and their fate. Seasons differ in
    size; months, weeks and hosts differ beyond chance, by 0.15, 0.15 and 0.3 on the logit scale.
    """
    rng = np.random.default_rng(seed)
    n = round(119_390 * scale)
    days = pd.date_range("2015-07-01", "2017-08-31")
    season = 1 - 0.45 * np.cos(2 * np.pi * (days.day_of_year.to_numpy() - 15) / 365)
    n_groups = round(n * _IN_GROUPS / _GROUP_SIZE)
    group = np.concatenate(
        [
            np.repeat(np.arange(n_groups), 1 + rng.poisson(_GROUP_SIZE - 1, n_groups)),
            np.arange(n_groups, n),
        ]
    )[:n]
    day = rng.choice(len(days), n, p=season / season.sum())[group]
    host = rng.choice(n_hosts, n)[group]
    lead, share = (one[group] for one in _leads(rng, CANCELLED, n))
    months = days.year.to_numpy() * 12 + days.month.to_numpy()
    effect = (
        0.15 * rng.standard_normal(27)[(months - months.min())[day]]
        + 0.15 * rng.standard_normal(115)[day // 7]
        + 0.3 * np.linspace(-1, 1, n_hosts)[host]
    )
    is_cancelled = rng.uniform(size=n)[group] < _moved(share, effect)
    start = _seconds(days)[day] + 15 * _HOUR
    booked = start - lead * 24 * _HOUR - rng.integers(1, 14 * 60, n) * 60
    gone = booked + ((start - booked) * rng.beta(0.9, 1.1, n)[group]).astype(np.int64)
    is_missed = rng.uniform(size=n) < _NO_SHOW
    word = np.where(is_cancelled, "cancelled", np.where(is_missed, "no_show", "completed"))
    ended = np.where(is_cancelled, gone, start + _HOUR)
    return _bookings(booked, start, ended, word, host, np.arange(n))


def as_of(bookings: pd.DataFrame) -> datetime:
    """Two days after the last start."""
    at: datetime = (bookings["start"].max() + pd.Timedelta(days=2)).to_pydatetime()
    return at


def _leads(rng: np.random.Generator, table: tuple[Leads, ...], n: int) -> tuple[Floats, Floats]:
    """For each booking the days ahead, and the share that ends badly of those like it."""
    of_all = np.array([row.of_all for row in table])
    row = rng.choice(len(table), n, p=of_all / of_all.sum())
    first, last, ended = (
        np.array([getattr(one, name) for one in table])[row] for name in ("first", "last", "ended")
    )
    return rng.integers(first, last + 1).astype(np.float64), ended.astype(np.float64)


def _moved(share: Floats, effect: Floats) -> Floats:
    odds = share / (1 - share) * np.exp(effect)
    return np.asarray(odds / (1 + odds))


def _seconds(days: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    return np.asarray(days.to_numpy().astype("datetime64[s]").astype(np.int64))


def _bookings(
    booked: npt.ArrayLike,
    start: npt.ArrayLike,
    ended: npt.ArrayLike,
    word: npt.ArrayLike,
    host: npt.ArrayLike,
    patient: npt.ArrayLike,
) -> pd.DataFrame:
    """One row is one booking: when it was made, planned and ended, how, with whom, of whom."""

    def instants(seconds: npt.ArrayLike) -> pd.DatetimeIndex:
        return pd.to_datetime(np.asarray(seconds).astype(np.int64), unit="s", utc=True)

    return pd.DataFrame(
        {
            "booked": instants(booked),
            "start": instants(start),
            "ended": instants(ended),
            "word": word,
            "host": [f"host {one}" for one in np.asarray(host)],
            "patient": [f"patient {one}" for one in np.asarray(patient)],
        }
    )
