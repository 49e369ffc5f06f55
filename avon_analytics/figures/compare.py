"""The columns of ``Cohort.compare``: how the shares of two cohorts differ.

It takes another cohort and the name of a figure, so it is none of the figures itself.
"""

from __future__ import annotations

from avon_analytics.figures.declared import Column, Kind, share

DEFINITION = (
    "The difference of two shares, this cohort's minus the other's, with its 95 % interval after "
    "Newcombe (1998), which takes the two for independent. "
)
MEASURE = Column("measure", Kind.TEXT, "the share that is compared")
HERE = share("share", "the share in this cohort", "its denominator there")
THERE = share("other_share", "the share in the other cohort", "its denominator there")
DIFFERENCE = Column(
    "difference", Kind.SHARE, "this cohort's share minus the other's", has_interval=True
)
COLUMNS = {
    one.name: one for column in (MEASURE, HERE, THERE, DIFFERENCE) for one in column.spelled()
}
