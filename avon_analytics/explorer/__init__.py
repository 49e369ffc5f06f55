"""Choosing a figure with widgets: ``visits.explore()``."""
