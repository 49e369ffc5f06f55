"""What identifies a person, or what somebody wrote about one, is in no output but that of sql."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.intake.read.signature import sign
from avon_analytics.store.tables import table_infos

# A person planted into the archive, in good lines and in every kind of bad one.
PLANTED = {
    "first_name": "Zebulonia",
    "middle_name": "Quixmiddle",
    "last_name": "Quixworthy",
    "preferred_name": "Zebby-Quix",
    "email": "zebulonia@quixworthy.example",
    "phone": "555-0177-4242",
    "ssn": "000-98-7654",
    "mrn": "MRN-QUIX-17",
    "date_of_birth": "1931-07-19",
    "note": "Quixnote: prefers mornings",
}
STREET, TEXT = "17 Quixway Crescent", "Quixtext about a rash"
SHOWN_TABLES = (
    *("patients", "caregivers", "patient_addresses", "appointments", "messages", "documents"),
    *("tasks", "other_objects", "quarantine", "drift", "appointment_slots"),
)
SECRETS_OF_HERS = (*PLANTED.values(), STREET, TEXT, "Quix", "Zebulonia")


def _patient(**changed: Any) -> dict[str, Any]:
    person = {
        "object": "patient",
        "id": "user_planted",
        **PLANTED,
        "addresses": [{"line1": STREET, "city": "Avon", "state": "CT"}],
        "nobody_knows_this": PLANTED["last_name"],
        "last_updated_at": "2025-03-01T10:00:00Z",
        **changed,
    }
    return {
        "id": "wbhk_planted",
        "event": "patient.updated",
        "created_at": "2025-03-01T10:00:00Z",
        "object": person,
    }


def _lines(secret: bytes) -> list[bytes]:
    def line(body: str, signature: str | None = None, **more: Any) -> bytes:
        signed = sign(body.encode(), secret) if signature is None else signature
        envelope = {"headers": {"avon-signature": signed}, "body": body, **more}
        return json.dumps({**envelope, "received_at": "2025-03-01T10:00:01Z"}).encode()

    def other(number: int, **changed: Any) -> str:
        return json.dumps({**_patient(**changed), "id": f"wbhk_other{number}"})

    good = json.dumps(_patient())
    visit = {
        "object": "appointment",
        "id": "appt_planted",
        "description": TEXT,
        "start_time": "2025-03-05T10:00:00Z",
        "end_time": "2025-03-05T11:00:00Z",
        "host": "user_host",
        "location": {"line1": STREET},
        "attendees": [{"attendee": "user_planted", "surprise": PLANTED["last_name"]}],
    }
    message = {"object": "message", "id": "mesg_planted", "text": TEXT, "memo": TEXT}
    unknown = {"object": "invoice", "id": "inv_planted", "payer": PLANTED["last_name"]}
    subjects = {"appointment.created": visit, "message.created": message, "invoice.paid": unknown}
    told = [
        line(json.dumps({"event": e, "created_at": "2025-03-02T10:00:00Z", "object": o}))
        for e, o in subjects.items()
    ]
    return [
        line(good),
        line(json.dumps(_patient(note=f"{TEXT}, told otherwise"))),  # a conflict
        line(good, "0" * 64),
        line(good, PLANTED["last_name"]),  # in place of a signature
        line(good + "\n", sign(good.encode(), secret)),
        line(good[: len(good) // 2]),
        line(good.replace('"object"', f'"email": "{PLANTED["email"]}", "object"', 1)),
        line(other(1, created_at=PLANTED["last_name"])),
        line(other(2, date_of_birth=PLANTED["first_name"])),
        line(other(3, caregiver_only=PLANTED["email"])),
        line(other(4, addresses=STREET)),
        line(other(5, id=None)),
        json.dumps(_patient()).encode(),  # bare, unsigned
        good[:-20].encode(),
        good.encode().replace(b"Quixworthy", b"Quix\xffworthy"),
        line(good, email=1)[:-1] + f', "body": "{PLANTED["ssn"]}"}}'.encode(),
        f'"{PLANTED["first_name"]}"'.encode(),
        *told,
    ]


@pytest.fixture(scope="module")
def clinic(sample: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of one file, with her in it."""
    folder = tmp_path_factory.mktemp("planted")
    secret = tomllib.loads(sample.secrets.read_text())["2025"].encode()
    (folder / "planted.jsonl.gz").write_bytes(gzip.compress(b"\n".join(_lines(secret)) + b"\n"))
    return folder


def people_of(store: avon.Store) -> set[str]:
    """All that identifies the people of a store or was written about them, as text."""
    found: set[str] = set()
    with store._database.reading():
        for info in table_infos():
            if hidden := {*store.table(info.name).attrs["hidden"]} - {"extra", "object", "content"}:
                raw = store.table(info.name, identifiers=True)
                for column in hidden:
                    found |= {str(value) for value in raw[column].dropna().unique()}
    return {value for value in found if len(value) >= 5}


_WORD = re.compile(r"[\w-]+")


def by_first_word(people: set[str]) -> dict[str, list[str]]:
    """Values by the word that they begin with; under none, those that begin with another sign."""
    found = defaultdict(list)
    for one in people:
        begins = _WORD.match(one)
        found[begins[0] if begins else ""].append(one)
    return found


def told_of(people: dict[str, list[str]], text: str) -> list[str]:
    """Who or what of them stands in a text, as whole words."""
    words = {"", *_WORD.findall(text)}
    there = [one for word in words & people.keys() for one in people[word] if one in text]
    return [one for one in there if re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", text)]


def staff_words(store: avon.Store) -> set[str]:
    """The names of providers and supports, which are shown, and the parts of such as O'Sample."""
    columns = ["first_name", "last_name"]
    tables = [store.table(name)[columns] for name in ("providers", "supports")]
    names = {str(name) for table in tables for name in table.to_numpy().ravel()}
    return names | {part for name in names for part in re.split(r"\W+", name)}


def test_nobody_is_in_any_output(run: Any, sample: Any, clinic: Path) -> None:
    """The people of the sample, and one more who was planted into good lines and bad ones."""
    sample.copy(run.folder / "avon.duckdb")
    secrets = ("--secrets-file", sample.secrets)
    every = ("--by", "host", "--by", "patient_state", "--by", "patient_age_band", "--by", "name")
    outputs = [
        run("load", clinic, *secrets),
        run("load", clinic, "--db", "wrong.duckdb", AVON_WEBHOOK_SECRET=PLANTED["last_name"]),
        run("load", clinic, *secrets, "--recheck", "--json"),
        run("verify", clinic, *secrets, "--format", "json"),
        run("quarantine", "list"),
        run("quarantine", "list", "--format", "json"),
        run("tables", "--format", "csv"),
        run("outcomes", *every, "--format", "json"),
        run("cancellations", "--by", "cancelled_by", "--format", "csv"),
        run("funnel"),
        run("outcomes", "--where", "host=user_nobody"),
        run("outcomes", "--by", "hosst"),
        run("sql", "SELECT first_name::INTEGER FROM patients"),
        run("sql", "SELECT email::TIMESTAMP FROM patients"),
        run("explain", "appt_planted"),
        run("explain", "appt_planted", "--format", "json"),
        run("quality"),
        run("quality", "--section", "drift", "--format", "csv"),
        *(
            run("quarantine", "show", "planted.jsonl.gz", line, *how)
            for line in range(1, 18)
            for how in ((), ("--json",))[: 1 + line % 2]
        ),
        run("quarantine", "show", "planted.jsonl.gz", 999),
        run("quarantine", "export", "--out", "raw.jsonl"),
        run("quarantine", "export", "--out", "no-folder/raw.jsonl"),
        run("quarantine", "replay", *secrets),
        run("quarantine", "replay", *secrets, "--json"),
        run("quarantine", "replay", "--policy", "skip", "--db", "wrong.duckdb"),
        run("load", clinic, *secrets, "--privacy", "limited"),
        run("load", clinic, *secrets, "--privacy", "limited", "--db", "limited.duckdb"),
        run("forget", "user_planted", "--db", "wrong.duckdb"),
        run("forget", "user_planted", "--db", "limited.duckdb", "--json"),
        run("forget", "user_planted", "--db", "nowhere.duckdb"),
        run("report", "--out", "page.html", "--by", "host"),
    ]
    reported = outputs[-1]
    assert (reported.code, "No-show" in reported.out) == (0, True)
    assert {one.code for one in outputs} == {0, 2, 3, 4}
    assert str(run.folder / "page.html") in reported.err
    page = (run.folder / "page.html").read_text("utf-8")
    store = avon.open(run.folder / "avon.duckdb")
    people = people_of(store)
    assert people >= {*PLANTED.values(), STREET, TEXT} - {PLANTED["date_of_birth"]}
    assert len(people) > 2000
    planted = store.quarantine.lines().query("file.str.contains('planted')")
    assert {"conflict", "contract", "duplicate_keys", "not_json", "not_utf8", "unsigned"} <= set(
        planted["code"]
    )
    visits = store.appointments()
    texts = [text for one in outputs for text in (one.out, one.err)]
    texts += [repr(store), store._repr_html_(), repr(visits), visits._repr_html_()]
    texts += [str(sample.receipt), sample.receipt._repr_html_()]
    texts += [repr(store.quality()), store.quality()._repr_html_()]
    texts += [store.explain(one).to_csv() for one in visits.slots().appointment_id[::400]]
    with store._database.reading():
        frames = [store.table(name).to_csv() for name in SHOWN_TABLES]
    # The page, a figure by host and an error about a host that nobody is name staff; in the sample
    # some patients are called like one of them.
    naming_staff = [page, *(text for text in texts if "host_name" in text or "Nearest" in text)]
    assert len(naming_staff) == 3
    hidden, hidden_beside_staff = map(by_first_word, (people, people - staff_words(store)))
    shown = store.table("patients", identifiers=True).head(30).to_csv()
    assert len(told_of(hidden, shown)) > 100  # where they stand they are found
    for text in (page, *texts, *frames):
        assert "Traceback" not in text
        assert [word for word in SECRETS_OF_HERS if word in text] == []
        assert told_of(hidden_beside_staff if text in naming_staff else hidden, text) == []


def chain_of(error: BaseException | None) -> list[BaseException]:
    """An error and all that it was raised from, suppressed or not."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def test_no_error_carries_another_that_quotes_a_row(clinic: Path, tmp_path: Path) -> None:
    """Loggers that walk the whole chain of an error find our own sentence alone."""
    store = avon.open(tmp_path / "avon.duckdb")
    store.load(clinic, policy="skip", progress=False)
    for query in (
        "SELECT first_name::INTEGER FROM people_versions",
        "SELECT email::TIMESTAMP FROM people_versions",
        "SELECT error(last_name) FROM people_versions",
        "SELECT from_json(note, '[\"INTEGER\"]') FROM people_versions",
    ):
        with pytest.raises(avon.errors.QueryError) as caught:
            store.sql(query)
        assert len(chain_of(caught.value)) == 1
        told = f"{caught.value!r} {caught.value.args} {vars(caught.value)}"
        assert [word for word in SECRETS_OF_HERS if word in told] == []
