"""What happened to appointments: slots, their outcomes, and the figures about them."""

from __future__ import annotations

from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.custom_fields import custom_fields
from avon_analytics.appointments.engine import StoreEngine
from avon_analytics.appointments.explanation import explain
from avon_analytics.appointments.groupings import GROUPINGS, OF_CANCELLATIONS, OF_SLOTS
from avon_analytics.appointments.holdings import holdings
from avon_analytics.appointments.quality import Quality, quality
from avon_analytics.appointments.scope import PERIODS
from avon_analytics.appointments.slots import install_views, keep_slots
from avon_analytics.appointments.source import CohortSource, asked

__all__ = [
    "GROUPINGS",
    "OF_CANCELLATIONS",
    "OF_SLOTS",
    "PERIODS",
    "Cohort",
    "CohortSource",
    "Quality",
    "StoreEngine",
    "asked",
    "custom_fields",
    "explain",
    "holdings",
    "install_views",
    "keep_slots",
    "quality",
]
