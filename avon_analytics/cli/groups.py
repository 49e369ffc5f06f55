"""What all commands have in common: how they are found, and how their help shows flags."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class PlainGroup(TyperGroup):
    """Commands whose help shows a flag as a flag, without the word for its type."""

    def get_params(self, ctx: Any) -> Any:
        """The options of the group itself."""
        return _as_flags(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            _as_flags(found.get_params(ctx))
        return found


def _as_flags(parameters: Any) -> Any:
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


class Commands(PlainGroup):
    """All commands; those of figures that cannot be had are refused with the reason."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name. Raises NeedsScheduleTemplate for a figure that cannot be had."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in ("fill-rate", "third-next-available"):
            from avon_analytics.appointments.refused import refuse

            refuse(cmd_name.replace("-", "_"))
        return found
