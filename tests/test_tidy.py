"""What keeps the house easy to carry on: short files, nothing dead, no private name replaced."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import avon_analytics

PACKAGE = Path(avon_analytics.__file__).parent
ROOT = PACKAGE.parent
SOURCES = {path: path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))}

MOST_LINES = 400

# Names that somebody else calls: users, notebooks, libraries that are handed an object.
CALLED_BY_OTHERS = {
    "_ipython_display_": "a notebook",
    "_repr_html_": "a notebook",
    "_repr_mimebundle_": "a notebook",
    "is_verified": "an endpoint of a user's own",
    "readinto": "whoever reads a stream",
    "send_400_response": "uvicorn",
}
# Fields of models, and commands: what is made of them finds them by itself.
_FOUND = re.compile(r"command|callback|validator|serializer")


def test_no_file_is_longer_than_one_reads_at_once() -> None:
    lengths = {
        path.relative_to(PACKAGE).as_posix(): len(text.splitlines())
        for path, text in SOURCES.items()
    }
    assert len(lengths) > 200
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


def defined(tree: ast.Module) -> Iterator[str]:
    """Functions, methods and classes of a module, and what it names at its top."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not any(
            _FOUND.search(ast.unparse(one)) for one in node.decorator_list
        ):
            yield node.name
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from (one.id for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def test_nothing_is_defined_that_nothing_uses() -> None:
    """A name that stands once in all of the package stands only where it is defined."""
    texts = [
        path.read_text("utf-8") for path in PACKAGE.rglob("*") if path.suffix in (".sql", ".html")
    ]
    words = Counter(
        word for text in (*texts, *SOURCES.values()) for word in re.findall(r"\w+", text)
    )
    unused = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path, text in SOURCES.items()
        for name in defined(ast.parse(text))
        if words[name] == 1 and not name.startswith("__")
    }
    assert {one for one in unused if one[1] not in CALLED_BY_OTHERS} == set()
    assert {name for name in CALLED_BY_OTHERS if not words[name]} == set()


def test_tests_replace_nothing_private() -> None:
    """What a test has to replace has a public name, so that whoever changes it knows."""
    replaced = re.compile(r"""setattr\([^)]*?["'][\w.]*?\b(_[a-z]\w*|_[A-Z]\w*)["']""")
    private = {
        (path.name, found[1])
        for path in (ROOT / "tests").rglob("*.py")
        for found in replaced.finditer(path.read_text("utf-8"))
    }
    assert private == set()
