"""The notebooks: committed without outputs; without a browser, they run on the sample here."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from tests.browser import browser

if TYPE_CHECKING:
    from tests.docs.conftest import Desk

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_these_are_there() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["explore", "monday", "outcomes", "quickstart"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_valid_and_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            assert not cell.metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_holds_calls_and_no_logic(path: Path) -> None:
    words = ("def ", "class ", "for ", "while ", "lambda")
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert not any(line.lstrip().startswith(words) for line in cell.source.splitlines())


@pytest.mark.parametrize("folder", ["notebooks", "."])
def test_it_finds_the_sample_from_either_folder(
    folder: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.folder / "notebooks").mkdir(exist_ok=True)
    monkeypatch.chdir(desk.folder / folder)
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    names: dict[str, Any] = {}
    exec(first.source, names)
    assert (names["sample"] / "archive").is_dir()


@pytest.mark.skipif(browser() is not None, reason="tests/seen runs them, in JupyterLab")
@pytest.mark.filterwarnings("default")  # the machinery around the kernel has its own
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_without_a_warning(
    path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from nbclient import NotebookClient

    (desk.folder / "notebooks").mkdir(exist_ok=True)
    desk.store("out/sample.duckdb")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    notebook = nbformat.read(path, as_version=4)
    strict = nbformat.v4.new_code_cell("import warnings; warnings.simplefilter('error')")
    notebook.cells.insert(0, strict)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = NotebookClient(
            notebook, timeout=120, resources={"metadata": {"path": str(desk.folder / "notebooks")}}
        )
        client.execute()
    shown = [kind for cell in notebook.cells for kind in kinds(cell)]
    assert "text/html" in shown
    assert "image/svg+xml" in shown or path.stem == "explore"
    assert "stderr" not in shown


def kinds(cell: Any) -> list[str]:
    """What a cell put out: media types, and the names of streams."""
    found: list[str] = []
    for output in cell.get("outputs", []):
        found += [output.name] if output.output_type == "stream" else list(output.data)
    return found
