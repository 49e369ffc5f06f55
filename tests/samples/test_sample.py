"""The sample as a thing: repeatable, complete, consistent with itself, polite to other files."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest
import zstandard

from avon_analytics.errors import ArchiveError, UsageError
from avon_analytics.samples import write_sample
from avon_analytics.samples.archive import FILES, MIXES
from avon_analytics.samples.clinic import Clinic
from avon_analytics.samples.deck import DECK
from avon_analytics.samples.errands import Note
from avon_analytics.samples.instants import BEGIN, HOUR, local
from avon_analytics.samples.lines import FORMS, WRONG_SECRET, sign
from avon_analytics.samples.mishaps import CODES
from avon_analytics.samples.people import FIRST_NAMES, LAST_NAMES, Cast
from avon_analytics.samples.talks import talk

COUNTS = ("n_attended", "n_no_show", "n_cancelled", "n_rescheduled", "n_unresolved")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of the default size, which every case must be in."""
    out = tmp_path_factory.mktemp("sample")
    write_sample(out)
    return out


@pytest.fixture(scope="module")
def truth(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "truth.json").read_text()))


@pytest.fixture(scope="module")
def slots(root: Path) -> list[dict[str, str]]:
    with (root / "truth_slots.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    """A month of generation A and three of generation C, without the escapes of the envelopes."""
    found = []
    for name in (
        "2024/q4/2024-11-webhooks",
        "2025/q3/2025-07-webhooks",
        "2025/q3/2025-09-webhooks",
    ):
        raw = (root / f"archive/{name}.jsonl.zst").read_bytes()
        found.append(zstandard.ZstdDecompressor().decompressobj().decompress(raw))
    found.append((root / "archive/2025/q4/2025-11-webhooks.jsonl").read_bytes())
    return b"".join(found).decode(errors="replace").replace("\\", "")


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


# Repeatable


def test_the_same_numbers_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_sample(tmp_path / name, n_appointments=120, seed=3)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_another_interpreter_gives_the_same_bytes(tmp_path: Path) -> None:
    """Nothing depends on the order of a set, which differs from process to process."""
    write_sample(tmp_path / "here", n_appointments=120, seed=3)
    code = "import sys; from avon_analytics.samples import write_sample as w; "
    code += "w(sys.argv[1], n_appointments=120, seed=3)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], check=True)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_another_seed_gives_another_clinic(tmp_path: Path) -> None:
    write_sample(tmp_path / "one", n_appointments=60, seed=3)
    write_sample(tmp_path / "two", n_appointments=60, seed=4)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert one.keys() == two.keys()
    assert one["truth_slots.csv"] != two["truth_slots.csv"]
    assert (
        one["archive/2025/q4/2025-11-webhooks.jsonl"]
        != (two["archive/2025/q4/2025-11-webhooks.jsonl"])
    )


@pytest.mark.parametrize("n_appointments", [1, 2, 40])
def test_a_tiny_clinic_works(tmp_path: Path, n_appointments: int) -> None:
    summary = write_sample(tmp_path, n_appointments=n_appointments)
    assert summary.n_appointments == n_appointments
    assert summary.n_slots >= n_appointments - 1  # the one may be an internal meeting


def test_importing_the_package_is_cheap() -> None:
    code = "import avon_analytics.samples, sys; "
    code += "print('zstandard' in sys.modules, 'zoneinfo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# Complete


def test_every_card_is_played_a_few_times(truth: dict[str, Any]) -> None:
    assert set(truth["cases"]["cards"]) == set(DECK)
    assert min(truth["cases"]["cards"].values()) >= 4


def test_every_form_and_every_mishap_is_there(truth: dict[str, Any]) -> None:
    used = {form for mix in MIXES.values() for form in mix}
    assert used | {"parsed_lost", "bare"} == set(FORMS)
    assert set(truth["cases"]["forms"]) == used
    deliveries = truth["cases"]["deliveries"]
    for mishap in CODES:
        assert deliveries[f"bad {mishap.__name__}"] >= 3
    for how in ("same form", "other form", "respelled", "in another file"):
        assert deliveries[f"duplicate {how}"] >= 10
    for word in ("late", "lost", "not trusted"):
        assert deliveries[f"webhook {word}"] >= 10


def test_every_code_but_too_long_is_there(truth: dict[str, Any]) -> None:
    assert set(truth["receipt"]["quarantined_by_code"]) == set(CODES.values())
    assert min(truth["receipt"]["quarantined_by_code"].values()) >= 4


def test_every_outcome_is_there(slots: list[dict[str, str]]) -> None:
    outcomes = Counter(slot["outcome"] for slot in slots)
    words = {"attended", "no_show", "cancelled", "rescheduled", "unresolved", "open"}
    assert set(outcomes) == words
    kinds = Counter((s["outcome"], s["superseded"], s["due"]) for s in slots)
    for kind in (
        ("cancelled", "true", "true"),  # cancelled, then moved
        ("no_show", "true", "true"),  # did not come, then moved
        ("cancelled", "false", "false"),
        ("rescheduled", "true", "false"),
    ):
        assert kinds[kind] >= 2, kind
    assert {s["cancelled_by"] for s in slots} == {"", "patient", "provider", "unknown"}
    assert any(s["patient_id"] == "" for s in slots)
    assert sum(s["slot"] == "3" for s in slots) >= 10
    assert sum(s["notice_hours"] == "24.000000" for s in slots) >= 3


@pytest.mark.parametrize(
    "written",
    [
        '"id":"wbhk_',
        '"event":"appointment.in_progress"',
        '"event":"invoice.paid"',
        '"status":"noShow"',
        '"status":"canceled"',
        '"status":"checked_in"',
        '"changed_by":"user_null"',
        '"changed_by":null',
        '"changed_by":"(?!user_)',
        '"attendee":"(?!user_)',
        '"custom_data":[]',
        '"custom_data":{}',
        '"value":72.5',
        '"value":true',
        '"medical_centers":null',
        '"parent":"task_null"',
        r'"date_of_birth":-?\d+',
        r'"date_of_birth":{"year"',
        r'"date_of_birth":"\d+-\d+-\d+"',
        r'"date_of_birth":"[^"]*Z"',
        r"T\d\d:\d\d:\d\d\+00:00",
        r"T\d\d:\d\d:\d\d\.\d\d\+00:00",
        r"T\d\d:\d\d:\d\d\.\d{3}\+00:00",
        r"T\d\d:\d\d:\d\d\.\d{3}-0[45]:00",
        '"dependents":["user_',
        '"is_observer":true',
        '"no_show":null',
        '"end_time":null',
        '"recurrence_rules":',
        '"generated_from_type":"override"',
        '"reason":"Made-up',
        '"status_history":null',
        '"actual_end_time":"',
        '"portal_theme"',
        '"copay_cents"',
    ],
)
def test_every_spelling_is_there(text: str, written: str) -> None:
    pattern = written if re.search(r"\\|\(\?|\[\^", written) else re.escape(written)
    assert re.search(pattern, text), written


def test_the_files_are_as_exporters_leave_them(root: Path) -> None:
    newest = (root / "archive/2025/q4/2025-11-webhooks.jsonl").read_bytes()
    assert newest.startswith(b"\xef\xbb\xbf")
    assert not newest.endswith(b"\n")
    relay = (root / "archive/2025/q1/2025-02-relay.ndjson").read_bytes()
    assert relay.count(b"\r\n") == relay.count(b"\n") > 10
    assert b"\r\n\r\n" in relay or b"\n\n" in newest
    suffixes = {Path(one.path).suffix for one in FILES}
    assert suffixes == {".jsonl", ".ndjson", ".gz", ".zst", ".bz2"}
    zipped = (root / "archive/2024/q4/2024-12-webhooks.jsonl.gz").read_bytes()
    assert zipped.count(b"\x1f\x8b\x08\x00\x00\x00\x00\x00") > 1  # members, each without a time


def test_it_stays_small(root: Path) -> None:
    assert sum(len(content) for content in contents(root).values()) < 5_000_000


# Consistent with itself


def test_the_receipt_adds_up(truth: dict[str, Any]) -> None:
    receipt = truth["receipt"]
    for counts in (receipt, *receipt["files"].values()):
        ends = counts["blank"] + counts["loaded"] + counts["duplicate"] + counts["quarantined"]
        assert counts["lines"] == ends
        assert counts["quarantined"] == sum(counts["quarantined_by_code"].values())
    for word in ("lines", "blank", "loaded", "duplicate", "quarantined"):
        assert receipt[word] == sum(counts[word] for counts in receipt["files"].values())
    assert truth["n_events"] == receipt["loaded"] == sum(truth["n_by_object_type"].values())


def test_the_outcomes_add_up(truth: dict[str, Any], slots: list[dict[str, str]]) -> None:
    total, months = truth["outcomes"]["total"], truth["outcomes"]["by_month"].values()
    for row in (total, *months):
        assert row["n_slots"] == row["n_not_due"] + sum(row[name] for name in COUNTS)
        sides = ("patient", "provider", "unknown")
        assert row["n_cancelled"] == sum(row[f"n_cancelled_by_{side}"] for side in sides)
    for name, n in total.items():
        assert n == sum(row[name] for row in months)
    assert total["n_slots"] == len(slots)
    assert truth["reschedules"]["n_superseded"] == sum(s["superseded"] == "true" for s in slots)


def test_the_funnel_adds_up(truth: dict[str, Any]) -> None:
    funnel = truth["funnel"]
    for row, following in zip(funnel, [*funnel[1:], None], strict=True):
        went = sum(row[f"n_{word}"] for word in ("cancelled", "no_show", "unresolved", "open"))
        assert row["n_rescheduled"] == 0
        assert row["n_reached"] == row["n_observed"] + row["n_inferred"]
        if following is not None:
            assert row["n_reached"] == following["n_reached"] + went
    assert funnel[0]["n_reached"] == (truth["n_appointments"] - truth["cases"]["cards"]["internal"])


def test_the_cancellations_are_those_of_the_slots(
    truth: dict[str, Any], slots: list[dict[str, str]]
) -> None:
    due = [s for s in slots if s["due"] == "true" and s["outcome"] != "rescheduled"]
    gone = [s for s in due if s["outcome"] == "cancelled"]
    notices = [Decimal(s["notice_hours"]) for s in gone]
    told = truth["cancellations"]
    assert (told["n_due"], told["n_cancelled"]) == (len(due), len(gone))
    for side in ("patient", "provider", "unknown"):
        assert told[f"n_by_{side}"] == sum(s["cancelled_by"] == side for s in gone)
    assert told["n_late"] == sum(notice < 24 for notice in notices)
    assert told["n_after_start"] == sum(notice < 0 for notice in notices)
    assert told["median_notice_hours"] == pytest.approx(float(median(notices)), abs=1e-6)


def test_the_slots_are_sorted_and_unique(slots: list[dict[str, str]]) -> None:
    keys = [(s["appointment_id"], s["patient_id"], s["slot"]) for s in slots]
    assert keys == sorted(set(keys))


def test_staff_answer_in_their_hours(truth: dict[str, Any]) -> None:
    told = truth["replies"]
    assert told["n_questions"] == told["n_answered"] + told["n_waiting"]
    assert told["n_in_time"] < told["n_answered"] < told["n_questions"]

    rng = Random(5)
    cast = Cast(rng)
    patient = cast.register(BEGIN)
    for hours in range(0, 24 * 14, 5):
        asked_at = BEGIN + hours * HOUR
        made = talk(rng, cast, Note("msg_1", patient, "mthd_1", "?", asked_at))
        assert made.questions[0].asked_at == asked_at
        for note in (fact.state for fact in made.facts):
            assert note.thread == "mthd_1"
            wall = local(note.created_at, note.author.zone)
            at_work = wall.weekday() < 5 and 8 <= wall.hour < 18
            assert note.author is patient or at_work, wall


def test_what_is_answered_changes_nothing_else() -> None:
    """The clinic's own decisions are drawn from another stream."""
    both = [Clinic(Random(3), 60, Random(seed)) for seed in (1, 2)]
    one, two = ([(step.visit, step.facts) for step in clinic.live()] for clinic in both)
    for (visit, facts), (other, others) in zip(one, two, strict=True):
        assert (visit and visit.hex) == (other and other.hex)
        kept = [fact.occurred_at for fact in facts if fact.stream is None]
        assert kept == [fact.occurred_at for fact in others if fact.stream is None]


# People and secrets


def test_everybody_is_made_up(text: str) -> None:
    firsts = set(re.findall(r'"first_name":"([^"]*)"', text))
    assert firsts
    assert {name for name in firsts if "u00" not in name} <= set(FIRST_NAMES)
    lasts = set(re.findall(r'"last_name":"([^"]*)"', text))
    assert {name for name in lasts if "u00" not in name} <= set(LAST_NAMES)
    assert set(re.findall(r'"ssn":"(\d{3})', text)) == {"000"}
    assert set(re.findall(r'"phone":"(.*?)\d\d"', text)) == {"(555) 555-01"}
    assert set(re.findall(r"[\w.]+@([\w.]+)", text)) == {"example.com"}


def test_a_known_signature() -> None:
    """Worked out with openssl, so that the samples' own signing stands on something."""
    expected = "78f47e33010d01fcd16aa290d501fb597e7beb214e2c6ebec2156731e4a6f831"
    assert sign(WRONG_SECRET, b"{}") == expected


# Polite


def test_an_earlier_sample_is_replaced(tmp_path: Path) -> None:
    write_sample(tmp_path / "used", n_appointments=50, seed=1)
    write_sample(tmp_path / "used", n_appointments=30, seed=2)
    write_sample(tmp_path / "fresh", n_appointments=30, seed=2)
    assert contents(tmp_path / "used") == contents(tmp_path / "fresh")


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    write_sample(tmp_path, n_appointments=20)
    kept = tmp_path / "archive" / "my-own.jsonl"
    kept.write_text("{}\n")
    before = contents(tmp_path)
    with pytest.raises(ArchiveError, match="empty folder"):
        write_sample(tmp_path, n_appointments=30)
    assert contents(tmp_path) == before


def test_a_folder_that_is_no_sample_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Something else\n")
    with pytest.raises(ArchiveError, match="empty folder"):
        write_sample(tmp_path)
    with pytest.raises(ArchiveError, match="is a file"):
        write_sample(tmp_path / "README.md")


def test_a_sample_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_sample(tmp_path / "none", n_appointments=0)
    assert not (tmp_path / "none").exists()


def test_the_sample_in_data_is_the_one_that_is_written_today(root: Path) -> None:
    """Compared where no compressor's version has a say."""
    kept = Path(__file__).parents[2] / "data" / "sample"
    plain = ("README.md", "truth.json", "truth_slots.csv", "secrets.toml")
    newest = "archive/2025/q4/2025-11-webhooks.jsonl"
    for name in (*plain, newest):
        assert (kept / name).read_bytes() == (root / name).read_bytes(), name
