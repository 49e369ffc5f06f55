"""What groups are called: staff by their records, all else by the user's labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from avon_analytics.appointments.rows.engine import Engine
from avon_analytics.appointments.slots.queries import sql
from avon_analytics.figures.names import is_named, name_column, unique_names
from avon_analytics.labels import Labels

if TYPE_CHECKING:
    import pandas as pd

Names = Mapping[str, Mapping[str, str]]
"""For each grouping whose values are ids, the name of each value that has one."""


def names_of(
    staff: Callable[[], Mapping[str, str]], labels: Labels, groups: Iterable[str]
) -> Names:
    """The names of these groups; those of staff are asked for where one of them is."""
    return {
        group: staff() if group == "host" else unique_names(labels.values.get(group, {}))
        for group in groups
        if is_named(group)
    }


def staff_names(engine: Engine, as_of: datetime) -> dict[str, str]:
    """Names of staff by their ids, the newest up to an instant; no two are alike."""
    known = engine.frame(sql("staff_names"), {"as_of": as_of})
    both = known.first_name.fillna("") + " " + known.last_name.fillna("")
    names = {one: " ".join(name.split()) for one, name in zip(known["id"], both, strict=True)}
    return unique_names({one: name for one, name in names.items() if name})


def with_names(data: pd.DataFrame, names: Names) -> pd.DataFrame:
    """The figure with a column of names after each grouping that has them."""
    import pandas as pd

    data = data.copy(deep=False)
    for group, known in names.items():
        place, groups = pd.factorize(data[group])
        texts = pd.array([*(known.get(one) for one in groups), None], dtype="str")
        called = pd.Series(texts[place], data.index)  # of a group that is missing, place -1
        data.insert(list(data.columns).index(group) + 1, name_column(group), called)
    return data
