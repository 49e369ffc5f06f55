"""The colours can be told from the paper and from each other, by every reader."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from avon_analytics.report.charts.palette import COLOURS

OUTCOMES = ("attended", "no-show", "cancelled", "rescheduled", "unresolved", "not-due")
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
# Machado, Oliveira and Fernandes (2009), full severity.
VISION = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}

Numbers = npt.NDArray[np.float64]


def linear(colour: str) -> Numbers:
    value = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: Numbers) -> Numbers:
    part = XYZ @ rgb / np.array([0.9505, 1, 1.089])
    part = np.where(part > 0.008856, np.cbrt(part), 7.787 * part + 16 / 116)
    return np.array([116 * part[1] - 16, 500 * (part[0] - part[1]), 200 * (part[1] - part[2])])


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_colours_stand_out_from_their_paper(side: int) -> None:
    def contrast(name: str) -> float:
        low, high = sorted(XYZ[1] @ linear(COLOURS[each][side]) for each in (name, "paper"))
        return float((high + 0.05) / (low + 0.05))

    assert min(contrast(name) for name in ("ink", "muted", "accent")) >= 4.5
    assert min(contrast(name) for name in OUTCOMES) >= 3


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_outcomes_can_be_told_apart(side: int, vision: str) -> None:
    seen = [lab(np.clip(VISION[vision] @ linear(COLOURS[name][side]), 0, 1)) for name in OUTCOMES]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) >= 20


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_no_two_roles_share_a_colour(side: int) -> None:
    """The style sheet knows a role by its colour."""
    assert len({pair[side] for pair in COLOURS.values()}) == len(COLOURS)
