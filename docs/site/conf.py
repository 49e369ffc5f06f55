"""How Sphinx makes the documentation's site: `make docs`. Nothing in it asks the network."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from avon_analytics import __version__  # noqa: E402

project = "avon_analytics"
author = "The avon_analytics authors"
copyright = author  # noqa: A001
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**"]
exclude_patterns = ["docs/images/**"]

myst_heading_anchors = 4
# Links to a folder or to a file that is no page, such as LICENSE, are checked by tests/docs.
suppress_warnings = ["myst.xref_missing"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "inherited-members": "Exception,tuple"}
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "avon_analytics"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_search_summary = False  # it would be fetched, which a page opened as a file may not
html_static_path: list[str] = []

_CONTENTS = """

```{toctree}
:hidden:

docs/index
%s
docs/site/api
CHANGELOG
CONTRIBUTING
SECURITY
```
"""


def _with_contents(app: Any, docname: str, source: list[str]) -> None:
    """The pages beside the first one, in the order of docs/index.md."""
    if docname == root_doc:
        text = (ROOT / "docs" / "index.md").read_text("utf-8")
        pages = [part.split(".md)")[0] for part in text.split("](")[1:] if ".md)" in part]
        listed = [f"docs/{page}" for page in pages if not page.startswith("..")]
        source[0] += _CONTENTS % "\n".join(listed)


_ARGUMENT = re.compile(r"(?:``)?(\w+(?:, \w+)*)(?:``)?: (.*)")


def _arguments_as_list(
    app: Any, what: str, name: str, obj: object, options: Any, lines: list[str]
) -> None:
    """Arguments stand in docstrings as `name: what it is`, further lines of one indented."""
    found: list[str] = []
    is_inside = False
    for line in lines:
        if argument := _ARGUMENT.fullmatch(line):
            found += [*([] if is_inside else [""]), f"* **{argument[1]}**: {argument[2]}"]
            is_inside = True
        elif is_inside and line.startswith("    "):
            found.append("  " + line.strip())
        else:
            found += ["", line] if is_inside and line else [line]
            is_inside = False
    lines[:] = found


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _with_contents)
    app.connect("autodoc-process-docstring", _arguments_as_list)
