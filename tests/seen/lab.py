"""JupyterLab in a browser, on a folder like a reader's."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from .conftest import ROOT, Seen, pages_of

SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "completer-extension/manager": {"providerTimeout": 60_000},  # a second, on a busy machine
}
SECONDS = 120
WINDOW = (1280, 1000)

# What the notebook that is open holds: whether all has run, and each output by its kinds. While it
# is being opened, the launcher may still be in its place.
STATE = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const all = panel?.content?.model?.cells ?? [];
    const cells = [...all].filter(cell => cell.type === 'code');
    return {
        status: panel?.sessionContext?.session?.kernel?.status ?? 'none',
        ran: cells.filter(cell => cell.executionCount !== null).length,
        cells: cells.length,
        outputs: cells.map(cell => cell.outputs.toJSON()),
    };
}"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a JupyterLab on this folder, made like a reader's."""
    (folder / "data").symlink_to(ROOT / "data")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
    home = folder / "home"
    for name, values in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    startup = home / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "strict.py").write_text(
        "import sys; sys.modules['rfc3987_syntax'] = None\n"  # as for all tests
        "import warnings; warnings.simplefilter('error')\n"
        "warnings.filterwarnings('ignore', module='ipykernel')\n"  # warns as it ends
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "run",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    # As in ``make lab``: nobody is asked whether news may be fetched.
    env = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_PATH": str(ROOT / ".jupyter")}
    env |= {name: str(home / place) for name, place in places.items()}
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
            *("--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"),
            *(f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True"),
            "--LabApp.extension_manager=readonly",
        ],
        env=env,
        stdout=log,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: answers(f"{address}/api"), server, folder / "lab.log")
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)
        log.close()


@contextmanager
def opened(lab: str, chromium: Any) -> Iterator[Seen]:
    """JupyterLab in a page: to load it takes longer than what is done in it."""
    with pages_of(chromium) as see:
        found = see(f"{lab}/lab?reset", *WINDOW)
        found.page.wait_for_function("window.jupyterapp !== undefined", timeout=SECONDS * 1000)
        found.page.evaluate("window.jupyterapp.restored")
        yield found


@contextmanager
def opened_notebook(seen: Seen, path: str) -> Iterator[Any]:
    """The page with this notebook alone in it, its kernel at rest; both end at the end."""
    page: Any = seen.page
    page.set_viewport_size(dict(zip(("width", "height"), WINDOW, strict=True)))
    page.evaluate(
        "async path => { await window.jupyterapp.commands.execute('docmanager:open', {path}); }",
        path,
    )
    try:
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=SECONDS * 1000)
        page.wait_for_function(f"({STATE})().status === 'idle'", timeout=SECONDS * 1000)
        page.evaluate("window.jupyterapp.shell.collapseLeft()")
        yield page
    finally:
        page.evaluate(
            """async () => {
                const open = [...window.jupyterapp.shell.widgets('main')];
                for (const panel of open.filter(one => one.sessionContext)) {
                    await panel.context.save();
                    await panel.sessionContext.shutdown();
                    panel.dispose();
                }
            }"""
        )


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait(is_so: Callable[[], bool], server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS
    while not is_so():
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.2)


def write(lab: str, name: str, cells: list[str]) -> None:
    """A notebook of these cells, in the folder of the JupyterLab."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    body = json.dumps({"type": "notebook", "format": "json", "content": notebook}).encode()
    request = urllib.request.Request(f"{lab}/api/contents/{name}", data=body, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201
