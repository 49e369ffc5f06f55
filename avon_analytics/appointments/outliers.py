"""The figure ``outliers``: which groups differ from all others together by more than chance."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from avon_analytics.appointments.figure import Ask, finished
from avon_analytics.appointments.funnel_plot import funnel_plot
from avon_analytics.appointments.shares import in_words, share_of
from avon_analytics.arguments import flag
from avon_analytics.errors import UsageError
from avon_analytics.figures.outliers import FIGURE, LIMITS

_HOW = {
    False: "with the exact limits of chance (hypergeometric, mid-P)",
    True: "with limits that let groups differ anyway (arcsine, Spiegelhalter, 2005)",
}


def outliers(
    ask: Ask, share: str, *, by: str | Iterable[str], overdispersion: bool, basis: str
) -> pd.DataFrame:
    """See ``Cohort.outliers``."""
    overdispersion = flag(overdispersion, "overdispersion")
    counted = share_of(ask, share, by=by, every=None, basis=basis)
    if not counted.keys:
        raise UsageError("outliers: say which groups are compared, such as by='host' (--by host)")
    rows = counted.rows
    found = funnel_plot(
        rows["count"].to_numpy(), rows["n"].to_numpy(), overdispersion=overdispersion
    )
    rows["share"], rows["center"] = found.share, found.center
    for name, limit in zip(LIMITS, found.limits.T, strict=True):
        rows[name] = limit
    rows["p_value"], rows["q_value"] = found.p, found.q
    side = np.where(found.share > found.center, "higher", "lower")
    rows["signal"] = pd.Series(side, rows.index, dtype="str").where(found.is_signal)
    data = finished(
        FIGURE,
        counted,
        rows,
        options={"share": share, "basis": basis},
        share=share,
        how=_HOW[overdispersion],
        of_share=in_words(share, basis),
    )
    data.attrs["share"] = share
    data.attrs["overdispersion"] = overdispersion
    data.attrs["phi"] = None if np.isnan(found.phi) else found.phi
    data.attrs["expected_false_alarms"] = dict.fromkeys(("rows", "groups"), found.false_alarms)
    data.attrs["messages"] = (
        [] if found.p.size and not np.isnan(found.p).all() else ["there are no groups to compare"]
    )
    return data
