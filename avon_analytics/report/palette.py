"""The colours, once: what a chart is drawn in, and what dark paper makes of it.

Charts are drawn in the light colours, as plain attributes. The page's style sheet has one rule a
colour that repaints it from a variable, so that one picture serves light, dark and print.
The hues stay apart for the common colour-vision deficiencies (blue, vermilion, ochre, greys of
different lightness) and each stands at 3 : 1 or more against its paper.
"""

from __future__ import annotations

COLOURS: dict[str, tuple[str, str]] = {
    # name: (on light paper, on dark paper)
    "paper": ("#ffffff", "#15181c"),
    "panel": ("#f6f5f1", "#1c2025"),
    "ink": ("#1d2329", "#e8e6e1"),
    "muted": ("#59616a", "#a7adb4"),
    "line": ("#dcdad3", "#343a41"),
    "accent": ("#1f5f8b", "#8cbfe6"),
    "attended": ("#2f6f9f", "#6ba6d6"),
    "no-show": ("#c1432b", "#f0785a"),
    "cancelled": ("#b9821b", "#e0b25a"),
    "rescheduled": ("#7c6a9c", "#a899c9"),
    "unresolved": ("#4b5157", "#b9bec4"),
    "not-due": ("#8c939b", "#6d757e"),
}


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
