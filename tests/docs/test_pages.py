"""The README and the pages of docs: their examples run, their outputs and links hold.

Every block of Python or shell runs, unless its info string says ``not-run: …`` with a reason. A
block ``text output`` shows what the block of Python before it prints, and is compared; an SVG below
a block is its ``chart``. After a change, ``python tests/docs/test_pages.py`` writes outputs and
charts anew; read the difference.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import avon_analytics as avon
from avon_analytics import __version__
from avon_analytics.cli import main
from avon_analytics.intake.read.codes import BODY_CODES, LINE_CODES, SIGNATURE_CODES
from avon_analytics.intake.read.signature import Secrets

if TYPE_CHECKING:
    from tests.docs.conftest import Desk

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
CHANGELOG = ROOT / "CHANGELOG.md"
ABOUT = (ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md")
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
PAGES = (README, CHANGELOG, *ABOUT, RESULTS, *sorted(DOCS.glob("*.md")))

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*) ?(?P<note>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CHART = re.compile(r"!\[[^\]]*\]\(([^)\s]+\.svg)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_NOTES = re.compile(r"|output|receipt|secrets|not-run: .+")


# -- reading a page ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A fenced block. The note behind its language says how it is tested."""

    where: str
    language: str
    note: str
    text: str
    span: tuple[int, int]  # of the text in its page

    @property
    def is_run(self) -> bool:
        return self.language in ("python", "sh") and not self.note


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(
            where=f"{page.name}:{text.count(chr(10), 0, match.start()) + 1}",
            language=match["language"],
            note=match["note"],
            text=re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE),
            span=match.span("text"),
        )
        for match in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub spells them in links."""
    found = _HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def with_blocks(language: str) -> list[Any]:
    pages = [p for p in PAGES if any(b.is_run and b.language == language for b in blocks(p))]
    return [pytest.param(page, id=page.name) for page in pages]


# -- running it -------------------------------------------------------------------------------


def printed(page: Path, charts: dict[Path, Any]) -> Iterator[tuple[Block, str]]:
    """Runs the blocks of Python, in one namespace; yields each block of output with the truth, and
    adds to ``charts`` what the pictures show."""
    text = page.read_text("utf-8")
    pictures = [(at.start(), page.parent / at[1]) for at in _CHART.finditer(text)]
    ran = [one for one in blocks(page) if one.is_run and one.language == "python"]
    ends = [one.span[0] for one in ran[1:]] + [len(text)]
    until = {one.where: end for one, end in zip(ran, ends, strict=False)}
    names: dict[str, Any] = {"__name__": "__main__"}
    said = io.StringIO()
    for block in blocks(page):
        if block.is_run and block.language == "python":
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                exec(compile(block.text, block.where, "exec"), names)
            below = [path for at, path in pictures if block.span[1] < at < until[block.where]]
            charts |= dict.fromkeys(below, names.get("chart"))
        elif block.note == "output":
            yield block, said.getvalue()


def commands(page: Path) -> list[str]:
    texts = [b.text for b in blocks(page) if b.is_run and b.language == "sh"]
    lines = "".join(texts).replace("\\\n", "").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("page", with_blocks("python"))
def test_python_blocks_run_and_print_what_is_shown(page: Path, at_desk: Desk) -> None:
    for name in ("avon.duckdb", "sample.duckdb"):
        at_desk.store(name)
    charts: dict[Path, Any] = {}
    for block, truth in printed(page, charts):
        assert block.text == truth, block.where
    for path, chart in charts.items():
        drawn = avon.plot.save(chart, at_desk.folder / "drawn.svg").read_bytes()
        assert drawn == path.read_bytes(), f"{path.name}: not what {page.name} draws"


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    """A command leaves signals ignored, as a process may on its way out; what this one starts later
    would inherit that."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("page", with_blocks("sh"))
@pytest.mark.usefixtures("signals_as_before")
def test_shell_blocks_run(
    page: Path,
    at_desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    at_desk.store("avon.duckdb")
    for command in commands(page):
        program, *arguments = shlex.split(command)
        if program == "make":
            assert _is_target(*arguments), command
            continue
        # In this process: starting ten others takes longer than all they do.
        assert program == "avon-analytics", command
        monkeypatch.setattr(sys, "argv", [program, *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, f"{command}\n{capsys.readouterr().err}"


def test_the_first_command_of_the_readme_runs_as_a_process(at_desk: Desk) -> None:
    at_desk.store("avon.duckdb")
    first = next(c for c in commands(README) if c.startswith("avon-analytics "))
    done = subprocess.run(
        [sys.executable, "-m", "avon_analytics", *shlex.split(first)[1:]],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Files unchanged")  # the store of before holds it


def test_every_block_says_how_it_is_tested() -> None:
    for page in PAGES:
        for block in blocks(page):
            assert _NOTES.fullmatch(block.note), f"{block.where}: {block.note}"
            assert block.language, f"{block.where}: a block names its language"


# -- what is shown ----------------------------------------------------------------------------


def test_the_receipt_shown_is_that_of_the_sample(desk: Desk) -> None:
    (shown,) = [b.text for p in PAGES for b in blocks(p) if b.note == "receipt"]
    assert shown == desk.receipt + "\n"


def test_the_secrets_file_shown_can_be_read(tmp_path: Path) -> None:
    (shown,) = [b.text for p in PAGES for b in blocks(p) if b.note == "secrets"]
    path = tmp_path / "secrets.toml"
    path.write_text(shown, "utf-8")
    assert Secrets.read(path).names == tuple(tomllib.loads(shown))


def test_every_code_is_explained() -> None:
    told = re.findall(
        r"^\| `(\w+)` \| (?:line|signature|body|event)",
        _section(DOCS / "loading.md", "The codes, and what to do"),
        re.MULTILINE,
    )
    assert told == list(dict.fromkeys((*LINE_CODES, *SIGNATURE_CODES, *BODY_CODES)))


def test_the_changelog_begins_with_this_version() -> None:
    newest = re.search(
        r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", CHANGELOG.read_text("utf-8"), re.MULTILINE
    )
    assert newest is not None
    assert newest[1] == __version__


# -- links, and what does not belong here -----------------------------------------------------


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(prose(page)):
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), f"{page.name}: {target}"
        assert path.is_relative_to(ROOT), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(path), f"{page.name}: {target}"


def test_every_page_is_in_the_table_of_contents() -> None:
    named = set(_LINK.findall(prose(DOCS / "index.md")))
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= named


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_no_addresses_and_no_paths_of_a_machine(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.search(
        r"(?!(s3|gs|az|sftp)://|http://127\.0\.0\.1:|https://files\.example/)(?<![\w])\w+://", text
    )
    assert not re.search(r"(?<![\w.~…])/(home|root|tmp|work|Users|var|mnt)/", text)


def test_the_picture_is_small_and_described() -> None:
    described = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", README.read_text("utf-8"))
    assert described
    for words, target in described:
        assert len(words) > 20
        assert (ROOT / target).stat().st_size < 300_000


def _section(page: Path, heading: str) -> str:
    _, found, rest = page.read_text("utf-8").partition(f"\n## {heading}\n")
    assert found, f"{page.name} has no heading {heading!r}"
    return rest.partition("\n## ")[0]


def _is_target(name: str) -> bool:
    return (
        re.search(rf"^{re.escape(name)}:", (ROOT / "Makefile").read_text("utf-8"), re.M) is not None
    )


# -- writing outputs anew ---------------------------------------------------------------------


def _write_anew() -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("data").mkdir()
        Path("data/sample").symlink_to(ROOT / "data" / "sample")
        for name in ("avon.duckdb", "sample.duckdb"):
            with avon.open(name) as store:
                receipt = store.load(
                    "data/sample/archive", secrets=Path("data/sample/secrets.toml")
                )
        for page in PAGES:
            text = page.read_text("utf-8")
            charts: dict[Path, Any] = {}
            truths = list(printed(page, charts))
            for path, chart in charts.items():
                avon.plot.save(chart, path)
            truths += [(b, f"{receipt}\n") for b in blocks(page) if b.note == "receipt"]
            for block, truth in sorted(truths, key=lambda told: told[0].span, reverse=True):
                start, end = block.span
                text = text[:start] + truth + text[end:]
            page.write_text(text, "utf-8")


if __name__ == "__main__":
    _write_anew()
