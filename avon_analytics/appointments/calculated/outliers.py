"""The figure ``outliers``: which groups differ from all others together by more than chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from avon_analytics.appointments.calculated.figure import finished
from avon_analytics.appointments.calculated.shares import in_words, share_of
from avon_analytics.appointments.statistics.funnel_plot import funnel_plot
from avon_analytics.errors import UsageError
from avon_analytics.figures.outliers import FIGURE, LIMITS
from avon_analytics.figures.words import By

if TYPE_CHECKING:
    from avon_analytics.appointments.rows.cohort_rows import CohortRows

_HOW = {
    False: "with the exact limits of chance (hypergeometric, mid-P)",
    True: "with limits that let groups differ anyway (arcsine, Spiegelhalter, 2005)",
}


def outliers(
    cohort: CohortRows,
    *,
    by: By,
    min_count: int | None,
    share: str,
    overdispersion: bool,
    basis: str,
) -> pd.DataFrame:
    """See ``Cohort.outliers``."""
    counted = share_of(cohort, share, by=by, basis=basis, min_count=min_count)
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
        {"share": share, "basis": basis},
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
