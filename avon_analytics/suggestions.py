"""A path that does not exist: what beside it was probably meant."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path


def did_you_mean(path: str | os.PathLike[str]) -> str:
    """`` Did you mean …?`` with the path nearest in name in the same folder, else nothing.

    Where no name is near, the only file of the same kind is named.
    """
    wanted = Path(path)
    try:
        names = sorted(one.name for one in wanted.parent.iterdir() if not one.name.startswith("."))
    except OSError:
        return ""
    near = get_close_matches(wanted.name, names)
    closest = [name for name in near if _is_near_without_ending(wanted, Path(name))][:1]
    alike = [name for name in names if wanted.suffix and name.endswith(wanted.suffix)]
    if not closest and len(alike) == 1:
        closest = alike
    return f" Did you mean {wanted.with_name(closest[0])}?" if closest else ""


def _is_near_without_ending(wanted: Path, found: Path) -> bool:
    """Whether it is more than an ending that they share."""
    is_one_kind = found.suffix == wanted.suffix
    return not is_one_kind or bool(get_close_matches(wanted.stem, [found.stem]))
