"""The version of the package. Its metadata reads it here."""

from __future__ import annotations

VERSION = "0.1.0"
