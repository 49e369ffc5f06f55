"""The archive, read back line by line in plain Python, tells what the simulation decided.

This reader is slow and naive on purpose: it follows the specification's sentences one by one and
shares no code with the package. It is what shows that the truth can be known from the archive.
"""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import hashlib
import hmac
import io
import json
import tomllib
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import zstandard

from avon_analytics.samples import write_sample

SUFFIXES = (".jsonl", ".ndjson", ".json")


class Refused(Exception):
    """A line that must not be trusted; the message is the reason code."""


def lines_of(path: Path) -> list[bytes]:
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    elif path.suffix == ".bz2":
        raw = bz2.decompress(raw)
    elif path.suffix == ".zst":
        reader = zstandard.ZstdDecompressor().stream_reader(
            io.BytesIO(raw), read_across_frames=True
        )
        raw = reader.read()
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    lines = [line.removesuffix(b"\r") for line in raw.split(b"\n")]
    return lines[:-1] if lines[-1] == b"" else lines


def parse(raw: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise Refused("duplicate_keys")
        return dict(pairs)

    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refused("not_utf8") from None
    try:
        json.loads(text)
    except ValueError:
        raise Refused("not_json") from None
    return json.loads(text, object_pairs_hook=once, parse_float=Decimal)


def instant(value: Any) -> datetime:
    if isinstance(value, int):
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Refused("contract") from None
    if moment.tzinfo is None:
        raise Refused("contract")
    return moment.astimezone(UTC)


def bare_id(value: Any) -> str | None:
    if value is None or value.endswith("_null"):
        return None
    return str(value.rsplit("_", 1)[-1])


def delivery(line: bytes, secrets: dict[str, str]) -> tuple[dict[str, Any], datetime]:
    """The trusted body of a line, and when it was received; raises Refused with a code."""
    envelope = parse(line)
    if not isinstance(envelope, dict):
        raise Refused("not_a_delivery" if isinstance(envelope, list) else "not_json")
    if "event" in envelope and "object" in envelope:
        raise Refused("unsigned")
    body = next(
        (envelope[k] for k in ("body", "payload", "raw_body", "rawBody") if k in envelope), None
    )
    if body is None:
        raise Refused("not_a_delivery")
    headers = envelope.get("headers") or envelope.get("multiValueHeaders") or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    found = [v[0] if isinstance(v, list) else v for k, v in pairs if k.lower() == "avon-signature"]
    found += [
        envelope[k] for k in ("avon-signature", "avon_signature", "signature") if k in envelope
    ]
    received = next(
        (envelope[k] for k in ("received_at", "receivedAt", "timestamp") if k in envelope), None
    )
    received_at = instant(received or envelope["requestContext"]["timeEpoch"])
    if isinstance(body, str) and envelope.get("isBase64Encoded"):
        try:
            signed = base64.b64decode(body, validate=True)
        except ValueError:
            raise Refused("not_a_delivery") from None
    elif isinstance(body, str):
        signed = body.encode()
    else:
        plain = json.loads(line)
        given = plain.get("body", plain.get("payload"))
        signed = json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode()
    if not found:
        raise Refused("unsigned")
    good = {hmac.new(s.encode(), signed, hashlib.sha256).hexdigest() for s in secrets.values()}
    if found[0].lower() not in good:
        raise Refused("signature_mismatch" if isinstance(body, str) else "unverifiable")
    return parse(signed), received_at


def own_instant(body: dict[str, Any], received_at: datetime) -> datetime:
    content = body["object"]
    if body["event"].split(".")[0] in ("appointment", "patient", "message", "task"):
        for name in ("created_at", "last_updated_at", "start_time"):
            if content.get(name) is not None:
                instant(content[name])
    if "created_at" in body:
        return instant(body["created_at"])
    return instant(content.get("last_updated_at") or received_at.isoformat())


class Archive:
    def __init__(self, root: Path) -> None:
        secrets = tomllib.loads((root / "secrets.toml").read_text())
        self.files: dict[str, Counter[str]] = {}
        self.codes: Counter[str] = Counter()
        self.passed_over = 0
        self.events: dict[str, tuple[datetime, datetime, dict[str, Any]]] = {}
        rows: list[Any] = []
        for path in sorted((root / "archive").rglob("*")):
            if path.is_dir():
                continue
            name = path.relative_to(root).as_posix()
            if not any(suffix in SUFFIXES for suffix in path.suffixes):
                self.passed_over += 1
                continue
            counts = self.files[name] = Counter()
            for line in lines_of(path):
                counts["lines"] += 1
                if not line:
                    counts["blank"] += 1
                    continue
                try:
                    body, received_at = delivery(line, secrets)
                    occurred_at = own_instant(body, received_at)
                    millisecond = round(occurred_at.timestamp() * 1000)
                    event_id = body.get("id") or (
                        f"{body['event']}:{body['object']['id']}:{millisecond}"
                    )
                    rows.append((received_at, len(rows), name, event_id, occurred_at, body))
                except Refused as refused:
                    counts["quarantined"] += 1
                    self.codes[str(refused)] += 1
        winners: dict[str, Any] = {}
        for row in sorted(rows, key=lambda row: row[:2]):
            winners.setdefault(row[3], row[5])
        for received_at, _, name, event_id, occurred_at, body in rows:
            if body != winners[event_id]:
                self.files[name]["quarantined"] += 1
                self.codes["conflict"] += 1
            elif event_id in self.events:
                self.files[name]["duplicate"] += 1
            else:
                self.files[name]["loaded"] += 1
                self.events[event_id] = (occurred_at, received_at, body)
        in_time = [
            at
            for at, received_at, _ in self.events.values()
            if at - received_at <= timedelta(days=1)
        ]
        self.as_of = max(in_time)

    def known(self, kind: str) -> list[tuple[datetime, str, dict[str, Any]]]:
        """All versions of one kind of object as of T, oldest first."""
        found = [
            (at, body["event"].split(".")[1], body["object"])
            for at, _, body in self.events.values()
            if body["object"]["object"] == kind and at <= self.as_of
        ]
        return sorted(found, key=lambda one: one[0])


WORDS = {"started": "in_progress", "canceled": "cancelled", "noShow": "no_show"}
DECIDING = ("no_show", "completed", "in_progress", "cancelled")


class People:
    def __init__(self, archive: Archive) -> None:
        self.staff: set[str | None] = set()
        for kind in ("provider", "support"):
            self.staff |= {bare_id(one["id"]) for _, _, one in archive.known(kind)}
        for _, _, team in archive.known("care_team"):
            self.staff |= {bare_id(one) for one in team["members"]}
        self.patients = {bare_id(one["id"]): one for _, _, one in archive.known("patient")}

    def side(self, by: str | None, host: str | None, attending: set[str | None]) -> str:
        if by is None:
            return "unknown"
        if by == host or by in self.staff:
            return "provider"
        cared_by = {
            bare_id(self.patients[one]["caregiver"]) for one in attending if one in self.patients
        }
        return "patient" if by in attending | cared_by else "unknown"


def words_of(versions: list[tuple[datetime, str, dict[str, Any]]]) -> list[tuple[Any, ...]]:
    """Every deciding or undoing word that these versions tell: instant, word, by."""
    words: set[tuple[Any, ...]] = set()
    for at, verb, one in versions:
        for change in one.get("status_history") or []:
            word = WORDS.get(change["status"], change["status"])
            words.add((instant(change["changed_at"]), word, bare_id(change["changed_by"])))
        if verb not in ("created", "updated", "rescheduled"):
            words.add((at, WORDS.get(verb, verb), None))
        if one.get("actual_start_time"):
            words.add((instant(one["actual_start_time"]), "in_progress", None))
        if one.get("actual_end_time"):
            words.add((instant(one["actual_end_time"]), "completed", None))
    return sorted(words, key=lambda word: (word[0], word[2] is None))


def slots_of(
    versions: list[tuple[datetime, str, dict[str, Any]]], people: People, as_of: datetime
) -> list[dict[str, Any]]:
    """The slots of one appointment, by the sentences of section 6."""
    runs: list[list[tuple[datetime, str, dict[str, Any]]]] = []
    for version in versions:
        start = instant(version[2]["start_time"])
        if not runs or instant(runs[-1][-1][2]["start_time"]) != start:
            runs.append([])
        runs[-1].append(version)
    found = []
    for number, run in enumerate(runs, 1):
        nxt = runs[number] if number < len(runs) else None
        upto = [one for one in versions if nxt is None or one[0] < nxt[0][0]]
        began = run[0][0] if number > 1 else datetime.min.replace(tzinfo=UTC)
        words = [word for word in words_of(upto) if word[0] >= began]
        newest: tuple[Any, ...] | None = None
        for word in words:
            if word[1] in ("scheduled", "confirmed") and newest and newest[1] == "cancelled":
                newest = None
            elif word[1] in DECIDING and not (newest and newest[1] == word[1] == "cancelled"):
                newest = word
        host = bare_id(run[-1][2]["host"])

        def patients(one: dict[str, Any], host: str | None = host) -> dict[str | None, Any]:
            return {
                bare_id(entry["attendee"]): entry["no_show"]
                for entry in one["attendees"] or []
                if not entry["is_observer"]
                and bare_id(entry["attendee"]) != host
                and bare_id(entry["attendee"]) not in people.staff
            }

        everybody: dict[str | None, None] = {}
        for _, _, one in run:
            everybody |= dict.fromkeys(patients(one))
        last = run[-1][2]
        start = instant(last["start_time"])
        end = instant(last["end_time"]) if last["end_time"] else start
        attending = set(everybody)
        for patient in everybody or [None]:
            flags = [
                patients(one)[patient]
                for _, _, one in run
                if patient in patients(one) and patients(one)[patient] is not None
            ]
            seen = [at for at, _, one in run if patient in patients(one)]
            gone = [at for at, _, one in run if seen and at > seen[-1] and patients(one)]
            took_place = any(
                word in ("in_progress", "completed") and gone and at <= gone[0]
                for at, word, _ in words
            )
            if gone and (gone[0] >= start or took_place):
                gone = []  # who is missing only then came
            slot: dict[str, Any] = {
                "patient": patient,
                "number": number,
                "start": start,
                "superseded": nxt is not None,
                "due": end + timedelta(days=1) <= as_of,
                "by": "",
                "notice": None,
                "zone": last.get("timezone")
                or people.patients.get(patient, {}).get("timezone")
                or "UTC",
            }
            if gone:
                slot |= {"outcome": "cancelled", "by": "unknown", "notice": start - gone[0]}
            elif flags and flags[-1]:
                slot["outcome"] = "no_show"
            elif newest and newest[1] == "cancelled":
                by = people.side(newest[2], host, attending)
                slot |= {"outcome": "cancelled", "by": by, "notice": start - newest[0]}
            elif newest:
                slot["outcome"] = "no_show" if newest[1] == "no_show" else "attended"
            elif nxt:
                slot |= {"outcome": "rescheduled", "notice": start - nxt[0][0]}
            else:
                slot["outcome"] = "unresolved" if slot["due"] else "open"
            found.append(slot)
    return found


def stage_of(
    versions: list[tuple[datetime, str, dict[str, Any]]], slots: list[dict[str, Any]]
) -> tuple[str, str | None]:
    """How far an appointment came in the funnel, and where it went from there."""
    last = [slot for slot in slots if not slot["superseded"]]
    outcomes = {slot["outcome"] for slot in last}
    words = {word for _, word, _ in words_of(versions)}
    if outcomes == {"no_show"}:
        return "booked", "no_show"
    if "completed" in words:
        return "completed", None
    if "in_progress" in words:
        quiet = "unresolved" if last[0]["due"] else "open"
        return "started", "cancelled" if outcomes == {"cancelled"} else quiet
    order = ("no_show", "cancelled", "unresolved", "open")
    return "booked", next(word for word in order if word in outcomes)


def as_row(appointment: str, slot: dict[str, Any]) -> dict[str, str]:
    notice = slot["notice"]
    return {
        "appointment_id": appointment,
        "patient_id": f"user_{slot['patient']}" if slot["patient"] else "",
        "slot": str(slot["number"]),
        "start_at": f"{slot['start']:%Y-%m-%dT%H:%M:%SZ}",
        "superseded": str(slot["superseded"]).lower(),
        "due": str(slot["due"]).lower(),
        "outcome": slot["outcome"],
        "cancelled_by": slot["by"],
        "notice_hours": "" if notice is None else f"{notice / timedelta(hours=1):.6f}",
    }


@pytest.fixture(scope="module", params=[(1500, 20260101), (700, 5), (40, 9)], ids=str)
def reading(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Archive]:
    n_appointments, seed = request.param
    root = tmp_path_factory.mktemp("clinic")
    write_sample(root, n_appointments=n_appointments, seed=seed)
    return root, Archive(root)


def test_every_line_ends_where_the_truth_says(reading: tuple[Path, Archive]) -> None:
    root, archive = reading
    truth = json.loads((root / "truth.json").read_text())
    receipt = truth["receipt"]
    names = ("lines", "blank", "loaded", "duplicate", "quarantined")
    assert {
        name: {word: counts[word] for word in names} for name, counts in archive.files.items()
    } == {name: {word: counts[word] for word in names} for name, counts in receipt["files"].items()}
    assert dict(archive.codes) == receipt["quarantined_by_code"]
    assert archive.passed_over == receipt["files_passed_over"]
    assert len(archive.events) == truth["n_events"]
    kinds = Counter(body["object"]["object"] for _, _, body in archive.events.values())
    assert kinds == truth["n_by_object_type"]


def test_as_of_is_the_newest_event_whose_clock_was_right(reading: tuple[Path, Archive]) -> None:
    root, archive = reading
    truth = json.loads((root / "truth.json").read_text())
    assert archive.as_of == datetime.fromisoformat(truth["as_of"])
    assert sum(at > archive.as_of for at, _, _ in archive.events.values()) == 1


def test_every_slot_is_as_decided(reading: tuple[Path, Archive]) -> None:
    root, archive = reading
    truth = json.loads((root / "truth.json").read_text())
    people = People(archive)
    versions = defaultdict(list)
    for version in archive.known("appointment"):
        versions[version[2]["id"]].append(version)
    assert len(versions) == truth["tables"]["appointments"]
    rows: list[dict[str, Any]] = []
    months: defaultdict[Any, Counter[str]] = defaultdict(Counter)
    for appointment, told in versions.items():
        if told[-1][2]["internal"]:
            continue
        for slot in slots_of(told, people, archive.as_of):
            rows.append(as_row(appointment, slot))
            month = f"{slot['start'].astimezone(ZoneInfo(slot['zone'])):%Y-%m-01}"
            months[month]["n_slots"] += 1
            months[month][f"n_{slot['outcome']}" if slot["due"] else "n_not_due"] += 1
    with (root / "truth_slots.csv").open() as file:
        decided = list(csv.DictReader(file))
    read = {(row["appointment_id"], row["patient_id"], row["slot"]): row for row in rows}
    assert len(read) == len(decided)
    for row in decided:
        assert read[row["appointment_id"], row["patient_id"], row["slot"]] == row
    for month, counts in truth["outcomes"]["by_month"].items():
        counts = {name: n for name, n in counts.items() if n and "_by_" not in name}
        assert months[month] == counts


def test_the_funnel_is_as_decided(reading: tuple[Path, Archive]) -> None:
    root, archive = reading
    funnel = json.loads((root / "truth.json").read_text())["funnel"]
    people = People(archive)
    versions = defaultdict(list)
    for version in archive.known("appointment"):
        versions[version[2]["id"]].append(version)
    reached: Counter[str] = Counter()
    observed: Counter[str] = Counter()
    went: Counter[tuple[str, str | None]] = Counter()
    stages = {"booked": ["created"], "started": ["started", "in_progress"]}
    stages["completed"] = ["completed"]
    for told in versions.values():
        if told[-1][2]["internal"]:
            continue
        stage, where = stage_of(told, slots_of(told, people, archive.as_of))
        went[stage, where] += 1
        verbs = {verb for _, verb, _ in told}
        for name in list(stages)[: list(stages).index(stage) + 1]:
            reached[name] += 1
            observed[name] += bool(verbs & set(stages[name]))
    for row in funnel:
        stage = row["stage"]
        assert (row["n_reached"], row["n_observed"]) == (reached[stage], observed[stage])
        for word in ("cancelled", "no_show", "rescheduled", "unresolved", "open"):
            assert row[f"n_{word}"] == went[stage, word]


def test_every_table_has_the_objects_that_were_told(reading: tuple[Path, Archive]) -> None:
    root, archive = reading
    tables = json.loads((root / "truth.json").read_text())["tables"]
    ids = defaultdict(set)
    for _, _, body in archive.events.values():
        content = body["object"]
        kind = "caregiver" if content.get("caregiver_only") else content["object"]
        ids[f"{kind}s"].add(content["id"])
    for table, n in tables.items():
        if table != "messages_with_deleted_at":
            assert len(ids[table]) == n, table
