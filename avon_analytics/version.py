"""The version of the package, as its metadata says."""

from __future__ import annotations

VERSION = "0.1.0"
