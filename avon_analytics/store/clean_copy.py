"""Copying a store in a process of its own, whose memory holds nothing of what was deleted.

Between the columns that the engine writes it leaves gaps of up to seven bytes, and in these stands
what its memory held before: it may be the end of a name. In a new process whose allocator clears
what it hands out, nothing of that kind was there. The engine's own allocator, which is in its
builds for Linux, and that of glibc do so where the environment asks them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

CLEARED = {"DUCKDB_JE_MALLOC_CONF": "zero:true", "MALLOC_PERTURB_": "255"}
# What stands in place of Python where it is embedded starts no Python.
_IS_PYTHON = re.compile(r"python|pypy", re.IGNORECASE)
# It ends with its caller, whatever ends that one: nobody else would wait for it.
_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import os, threading
import duckdb

threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
config, statements = json.loads(sys.argv[2])
try:
    connection = duckdb.connect(config=config)
    for statement in statements:
        connection.execute(statement)
except duckdb.Error as error:
    print(json.dumps([type(error).__name__, str(error)]), flush=True)
    os._exit(1)
os._exit(0)
"""


def run_apart(config: Mapping[str, Any], statements: Sequence[str]) -> bool:
    """Run some statements in a process of its own; returns whether one could be started.

    Raises what the engine raises there, and duckdb.Error where the process is ended by others.
    """
    if not _IS_PYTHON.match(Path(sys.executable or "").name):
        return False
    path = json.dumps([entry for entry in sys.path if isinstance(entry, str)])
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, path, json.dumps([dict(config), statements])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what went wrong is said on the other one
            env={**os.environ, **CLEARED},
        )
    except OSError:
        return False
    with process:
        try:
            assert process.stdout is not None
            said = process.stdout.read()
            code = process.wait()
        finally:
            process.kill()
    if code:
        kind, text = json.loads(said) if said else ("Error", "the process that copies was ended")
        raise getattr(duckdb, kind, duckdb.Error)(text)
    return True
