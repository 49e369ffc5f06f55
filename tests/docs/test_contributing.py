"""What CONTRIBUTING.md says is enough: a figure and an object type, added to a copy of the package.

The blocks of the page that name a file are written there, the lists are joined as it says, and the
copy is asked in a process of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import avon_analytics

if TYPE_CHECKING:
    from tests.conftest import Loaded

PACKAGE = Path(avon_analytics.__file__).parent
PAGE = (PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8")
FILES = dict(re.findall(r"^```\w+ not-run: (avon_analytics/\S+)\n(.*?)^```$", PAGE, re.M | re.S))


def join(path: Path, *, after: str, line: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(after) == 1, f"{path.name}: {after}"
    path.write_text(text.replace(after, after + line), "utf-8")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with what the page adds."""
    root = tmp_path_factory.mktemp("house")
    ignored = shutil.ignore_patterns("__pycache__")
    copy = shutil.copytree(PACKAGE, root / "avon_analytics", ignore=ignored)
    for name, text in FILES.items():
        path = root / name
        path.write_text(path.read_text("utf-8") + text if path.exists() else text, "utf-8")
    figures, contract = copy / "figures/__init__.py", copy / "contract/__init__.py"
    imported = "from avon_analytics.figures.self_booking import SelfBooking\n"
    join(figures, after="import Returns\n", line=imported)
    join(figures, after="    Backtest,\n", line="    SelfBooking,\n")
    imported = "from avon_analytics.contract.referral import Referral\n"
    join(contract, after="import CareTeam, Document, Task\n", line=imported)
    join(contract, after="Provider, Support, CareTeam, Document, Task", line=", Referral")
    join(contract, after='"task": ("updated",),', line='"referral": ("created", "updated"),')
    return root


def ask(house: Path, code: str, *arguments: Path) -> Any:
    """What a program prints as JSON that runs with the copy."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


FIGURE = """
import contextlib, doctest, inspect, io, json, sys
import avon_analytics as avon
from avon_analytics.cli import main
from avon_analytics.figures import FIGURES
from avon_analytics.figures.tables import written

def cli(*arguments):
    sys.argv, out = ["avon-analytics", *arguments], io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main()
    return out.getvalue()

store = avon.open(sys.argv[1])
db = sys.argv[1]
visits = store.appointments()
frame = visits.self_booking()
text = avon.Cohort.self_booking.__doc__
shown = doctest.DocTestParser().get_doctest(text, {"visits": visits}, "it", None, None)
print(json.dumps({
    "row": json.loads(frame.to_json(orient="records"))[0],
    "blanked": visits.self_booking(by="host", min_count=4).isna().any(axis=None).item(),
    "behind": len(visits.behind(frame, 0, "n_self_booked")),
    "outcomes": len(visits.slots().query("self_booked")),
    "compared": list(visits.compare(store.appointments(end="2024-01-01"), "self_booking").measure),
    "traced": visits.trace("self_booking").steps[-1].name,
    "parameters": list(inspect.signature(avon.Cohort.self_booking).parameters),
    "page": written("## `self_booking`\\n\\nText.\\n"),
    "example": doctest.DocTestRunner().run(shown),
    "help": cli("--help"),
    "its_help": cli("self-booking", "--help"),
    "csv": cli("self-booking", "--db", db, "--format", "csv"),
    "table": cli("self-booking", "--db", db, "--by", "host"),
}))
"""


def test_a_figure_is_two_files_and_a_word_in_a_list(
    house: Path, tiny: Loaded, tmp_path: Path
) -> None:
    told = ask(house, FIGURE, tiny.copy(tmp_path / "store.duckdb"))
    row = told["row"]
    assert row["n_slots"] > row["n_self_booked"] > 0
    assert row["self_booked_share"] == pytest.approx(row["n_self_booked"] / row["n_slots"])
    assert told["behind"] == told["outcomes"] == row["n_self_booked"]
    assert told["blanked"]
    assert told["compared"] == ["self_booked_share"]
    assert told["example"] == [0, 1]  # none of one failed
    assert told["traced"] == "self_booking"
    assert told["parameters"] == ["self", "by", "every", "min_count"]
    assert "| `n_self_booked` | count | of these, those that the patient booked |" in told["page"]
    assert re.search(r"self-booking +How many slots patients booked themselves", told["help"])
    assert "--every" in told["its_help"]
    assert told["csv"].startswith("n_slots,n_self_booked,self_booked_share,")
    assert "Self-booked" in told["table"]


OBJECT = """
import json, sys
from pathlib import Path
import avon_analytics as avon
from avon_analytics.store import dictionary
archive, secrets, db = map(Path, sys.argv[1:])
store = avon.open(db)
receipt = store.load(archive, secrets=secrets, progress=False)
print(json.dumps({
    "receipt": str(receipt),
    "rows": json.loads(store.table("referrals", identifiers=True).to_json(orient="records")),
    "hidden": list(store.table("referrals")),
    "n_versions": len(store.table("referrals_versions")),
    "drift": list(store.table("drift").path),
    "is_in_dictionary": "### referrals\\n" in dictionary.data_dictionary(),
    "errors": store.quarantine.errors().code.tolist(),
}))
"""


def test_an_object_type_is_a_model_and_its_events(house: Path, tmp_path: Path) -> None:
    referral = {"id": "r1", "object": "referral", "patient": "ann", "to": "Dr. Madeup"}
    bodies = [
        {"event": "referral.created", "created_at": 1_700_000_000_000, "object": referral},
        {
            "event": "referral.updated",
            "created_at": 1_700_000_100_000,
            "object": {**referral, "status": "sent", "urgent": True},
        },
        {"event": "referral.updated", "created_at": 1_700_000_200_000, "object": {"id": None}},
    ]
    lines = []
    for body in map(json.dumps, bodies):
        signature = hmac.new(b"whsec_made_up", body.encode(), hashlib.sha256).hexdigest()
        lines.append(json.dumps({"headers": {"avon-signature": signature}, "body": body}))
    (tmp_path / "part.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "secrets.toml").write_text('made_up = "whsec_made_up"\n', "utf-8")
    store = tmp_path / "store.duckdb"
    told = ask(house, OBJECT, tmp_path / "part.jsonl", tmp_path / "secrets.toml", store)
    (row,) = told["rows"]
    assert (row["id"], row["patient"], row["to"]) == ("rfrl_r1", "user_ann", "Dr. Madeup")
    assert row["status"] == "sent"  # of the newer of two versions
    assert told["n_versions"] == 2
    assert "to" not in told["hidden"]
    assert told["is_in_dictionary"]
    assert told["drift"] == ["referral.urgent"]
    assert len(told["errors"]) == 1
