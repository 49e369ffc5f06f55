"""The browser that tests look through, if this machine has one that a program can drive."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

NO_BROWSER = "there is no Chromium on this machine, or no Playwright"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def browser() -> str | None:
    """Where it is; None where there is none, or nothing to drive it with."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found if find_spec("playwright") else None
