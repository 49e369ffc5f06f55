"""The colours, once: what a chart is drawn in, and what dark paper makes of it.

Charts are drawn in the light colours, as plain attributes. The page's style sheet has one rule a
colour that repaints it from a variable, so that one picture serves light, dark and print.
Any two outcomes stay apart (a distance of 20 or more in CIELAB) for full and for each deficient
colour vision, and each stands at 3 : 1 or more against its paper; a test measures both.
"""

from __future__ import annotations

COLOURS: dict[str, tuple[str, str]] = {
    # name: (on light paper, on dark paper)
    "paper": ("#ffffff", "#15181c"),
    "ink": ("#1d2329", "#e8e6e1"),
    "muted": ("#59616a", "#a7adb4"),
    "line": ("#dcdad3", "#343a41"),
    "accent": ("#1f5f8b", "#8cbfe6"),
    "attended": ("#2f6f9f", "#6ba6d6"),
    "no-show": ("#933025", "#dc4838"),
    "cancelled": ("#a87324", "#e7c874"),
    "rescheduled": ("#6c46b9", "#8946b9"),
    "unresolved": ("#3a4046", "#cdd1d6"),
    "not-due": ("#8c939b", "#6d757e"),
    # From little to much, for a table of cells; on dark paper the much is the light.
    "heat-1": ("#f7e9e5", "#33211f"),
    "heat-2": ("#ebc6bc", "#5c2d27"),
    "heat-3": ("#d9917f", "#8a3a2f"),
    "heat-4": ("#b65443", "#c64f3b"),
    "heat-5": ("#7f2219", "#ff6a4d"),
}
HEAT = ("heat-1", "heat-2", "heat-3", "heat-4", "heat-5")


def light(name: str) -> str:
    """The colour a chart is drawn in."""
    return COLOURS[name][0]


def variables() -> str:
    """The style sheet's first part: the colours as variables, and the rules that repaint charts."""

    def block(index: int) -> str:
        return "".join(f"--{name}:{pair[index]};" for name, pair in COLOURS.items())

    repaint = "".join(
        f'.chart [{attribute}="{pair[0]}"]{{{attribute}:var(--{name})}}'
        for name, pair in COLOURS.items()
        for attribute in ("fill", "stroke")
    )
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{block(1)}}}}}"
    return f":root{{color-scheme:light dark;{block(0)}}}\n{dark}\n{repaint}\n"
