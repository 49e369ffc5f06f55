"""What the user calls that which no webhook names: labels by grouping and id, from a TOML file.

[appointment_type]
aptp_… = "Follow-up"

[medical_center]
mctr_… = "North clinic"

[custom]                  # what the fields are called
cfld_… = "Insurance"

["custom:cfld_…"]         # what the values of one of them are called
hmo = "Health maintenance organization"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from avon_analytics.arguments import path as path_of
from avon_analytics.errors import InputError, UsageError
from avon_analytics.figures.names import CUSTOM, LABELLED
from avon_analytics.small_file import text_of
from avon_analytics.suggestions import did_you_mean, meant_word

LabelsLike: TypeAlias = "Labels | Mapping[str, Mapping[str, str]] | str | os.PathLike[str] | None"
_FIELDS = "custom"


@dataclass(frozen=True)
class Labels:
    """Labels of values by grouping and value, and of custom fields by key."""

    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, given: LabelsLike) -> Labels:
        """Labels from a TOML file, or from a dict of what such a file holds.

        Raises UsageError for what is no such dict, InputError for a file that cannot be used;
        either says which table and which line of it is at fault.
        """
        if given is None or isinstance(given, Labels):
            return given or cls()
        if isinstance(given, Mapping):
            return _checked(given, "labels", UsageError)
        file = Path(path_of(given, "labels"))
        lines = _parsed(file)
        if not lines:
            raise InputError(f"the labels file {file} holds no label")
        return _checked(lines, str(file), InputError)

    def headings(self, groups: Iterable[str]) -> dict[str, str]:
        """What the custom fields among these groupings are called, where that is said."""
        keys = {group: group.removeprefix(CUSTOM) for group in groups if group.startswith(CUSTOM)}
        return {group: self.fields[key] for group, key in keys.items() if key in self.fields}


def _parsed(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text_of(file))
    except FileNotFoundError:
        raise InputError(f"no labels file {file}.{did_you_mean(file)}") from None
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise InputError(f"cannot read the labels file {file}: {reason}") from None
    except UnicodeDecodeError:
        raise InputError(f"the labels file {file} is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the labels file {file} is not TOML: {error}") from None
    except (ValueError, RecursionError):
        raise InputError(
            f"the labels file {file} is not TOML that can be read: a number in it has too many "
            'digits, or lists are nested too deeply; write lines id = "label"'
        ) from None


def _checked(given: Mapping[Any, Any], where: str, wrong: type[Exception]) -> Labels:
    values: dict[str, Mapping[str, str]] = {}
    fields: Mapping[str, str] = {}
    for table, lines in given.items():
        place = f"{where}, [{table}]"
        if table == "host":
            raise wrong(f"{place}: hosts are called as the records of staff say")
        is_values = isinstance(table, str) and table.startswith(CUSTOM)
        if table not in (*LABELLED, _FIELDS) and not is_values:
            known = (*LABELLED, _FIELDS)
            hint = meant_word(str(table), known)
            choices = ", ".join([*known, f"{CUSTOM}<key>"])
            raise wrong(f"{place}: nothing is labelled by that.{hint} Choices: {choices}")
        if not isinstance(lines, Mapping):
            raise wrong(f'{place}: expected a table of lines id = "label"')
        if not lines:
            raise wrong(
                f'{place}: this table is empty: give it lines id = "label", or leave it out'
            )
        for key, label in lines.items():
            if not isinstance(key, str) or not isinstance(label, str) or not label.strip():
                raise wrong(f"{place}, {key}: expected a text that is not empty")
        labels = {key: label.strip() for key, label in lines.items()}
        if table == _FIELDS:
            fields = labels
        else:
            values[table] = labels
    return Labels(values, fields)
