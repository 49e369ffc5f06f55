"""Why a line does not load: the codes in the order of work, every error, the likely cause."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from avon_analytics.errors import MissingSecret, SecretsFileError, UsageError
from avon_analytics.intake.read import diagnosis
from avon_analytics.intake.read.diagnosis import likely_cause
from avon_analytics.intake.read.envelope import RECEIVED_PATHS
from avon_analytics.intake.read.verify import verify_archive

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

UPDATED = '{"event": "patient.updated", "created_at": 1, "object": {"id": "user_ann"}}'
NAMED = '{"event": "a.b", "created_at": 1, "object": {"name": "é/"}}'
OLD, NEW = "whsec_old", "whsec_new"


def test_the_first_code_that_holds_is_the_code(archive: Archive, desk: Desk) -> None:
    """Each line has its own fault and every fault that comes after it in the order of work."""
    twice = '"x": 1, "x": 2'
    bad_body = '{"event": "", "object": 5'
    cases: dict[str, list[tuple[str, str | bytes]]] = {
        "of the line": [
            ("too_long", b'{"a": \xff' + b"!" * 9000),
            ("not_utf8", b'{"a": \xff, "a": 1,'),
            ("not_json", f"{{{twice}, "),
            ("duplicate_keys", f'{{{twice}, "body": 5}}'),
            ("duplicate_keys", f'{{"headers": {{"a": {{{twice}}}}}, "body": "x"}}'),
            ("not_a_delivery", '{"body": 5, "received_at": "yesterday"}'),
            ("not_a_delivery", '{"event": "a.b"}'),
            ("not_a_delivery", '{"body": "é", "isBase64Encoded": true}'),
            ("not_a_delivery", '{"body": "YQ=", "isBase64Encoded": true}'),
            ("not_a_delivery", archive.raw(UPDATED, received="2025-03-10T12:00:00")),
        ],
        "of the signature": [
            ("unsigned", json.dumps({"headers": {}, "body": bad_body})),
            ("unsigned", '{"headers": {"avon-signature": ""}, "body": "{"}'),
            ("unsigned", '{"body": {"event": "", "object": 5}}'),
            ("unsigned", '{"event": "", "object": 5}'),
            ("unverifiable", '{"signature": "abc", "body": {"event": ""}}'),
            ("signature_mismatch", archive.raw(bad_body, secret="another")),
        ],
        "of the body": [
            ("not_utf8", archive.base64(b'{"event": "\xff", "event": ')),
            ("not_json", archive.raw(f'{{{twice}, "event": ""')),
            ("not_json", archive.raw("")),
            ("duplicate_keys", archive.raw(f'{{"event": "", "object": {{{twice}}}}}')),
            ("contract", archive.raw('{"event": "", "object": 5}')),
            ("contract", archive.raw("[]")),
            ("contract", archive.raw('{"event": "note.taken", "object": {}}', received=None)),
        ],
    }
    flat = [case for cases_of_kind in cases.values() for case in cases_of_kind]
    path = archive.write(*(line for _, line in flat))
    desk.load(path, within={"line_limit": 8000})
    assert desk.ends() == [code for code, _ in flat]
    assert desk.add_up()["quarantined"] == len(flat)
    first = len(cases["of the line"])
    words = desk.column("SELECT signature FROM deliveries ORDER BY line")
    assert words[:first] == [None] * first
    assert None not in words[first:]


def test_every_error_of_a_line_is_told(archive: Archive, desk: Desk) -> None:
    visit = {
        "id": "appt_null",
        "start_time": "2025-03-10T12:00:00",
        "group": "perhaps",
        "location": "here",
        "attendees": [{"no_show": 1}, None, {"actual_end_time": True}],
        "status_history": {"status": "scheduled"},
        "custom_data": [{"key": ["cfld"]}],
    }
    desk.take(
        archive.raw({"event": "", "created_at": 1.5, "object": 5}),
        archive.raw({"event": "appointment.created", "created_at": "now", "object": visit}),
        '{"body": "***", "isBase64Encoded": true, "received_at": []}',
    )
    received = " or ".join(RECEIVED_PATHS)
    assert desk.errors() == [
        [("contract", "event"), ("contract", "created_at"), ("contract", "object")],
        [
            ("contract", "created_at"),
            ("contract", "object.id"),
            ("contract", "object.group"),
            ("contract", "object.start_time"),
            ("contract", "object.location"),
            ("contract", "object.attendees.0.no_show"),
            ("contract", "object.attendees.1"),
            ("contract", "object.attendees.2.actual_end_time"),
            ("contract", "object.status_history"),
            ("contract", "object.custom_data.0.key"),
        ],
        [("not_a_delivery", "body"), ("not_a_delivery", received)],
    ]
    (expected,) = desk.column("SELECT errors ->> '$[2].expected' FROM quarantine WHERE line = 2")
    assert expected == "expected true or false"


def test_a_line_that_is_no_delivery_tells_its_wrong_receipt_too(desk: Desk) -> None:
    desk.take('{"body": 5, "received_at": "yesterday"}')
    assert len(desk.errors()[0]) == 2


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("require", ["loaded", "signature_mismatch", "unsigned", "unverifiable", "unsigned"]),
        ("record", ["loaded"] * 5),
        ("skip", ["loaded"] * 5),
    ],
)
def test_policies(archive: Archive, desk: Desk, policy: str, expected: list[str]) -> None:
    texts = [json.dumps(archive.patient(ms)) for ms in range(1, 6)]
    lines = [
        archive.raw(texts[0]),
        archive.raw(texts[1], secret="another"),
        archive.raw(texts[2], secret=None),
        archive.parsed(texts[3], stands=texts[3].replace(":", " :")),
        texts[4],
    ]
    desk.take(*lines, policy=policy)
    assert desk.ends() == expected
    words = ["verified", "mismatch", "unsigned", "unverifiable", "unsigned"]
    if policy == "skip":
        words = ["unchecked"] * 5
    loaded = [word for word, end in zip(words, expected, strict=True) if end == "loaded"]
    assert desk.column("SELECT signature FROM events ORDER BY occurred_at") == loaded
    assert desk.column("SELECT signature FROM deliveries ORDER BY line") == words
    desk.add_up()


def test_a_load_without_a_secret_stops_before_it_reads_a_line(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AVON_WEBHOOK_SECRET", raising=False)
    path = archive.write(archive.raw(archive.patient()))
    nothing: tuple[dict[str, str] | None, ...] = (None, {})
    for given in nothing:
        with pytest.raises(MissingSecret, match=r"AVON_WEBHOOK_SECRET.*--policy skip"):
            desk.load(path, secrets=given)
    with pytest.raises(UsageError, match="policy 'trust'"):
        desk.load(path, policy="trust")
    with pytest.raises(UsageError, match="'empty' is empty"):
        desk.load(path, secrets={"empty": ""})
    assert desk.column("SELECT count(*) FROM loads") == [0]

    monkeypatch.setenv("AVON_WEBHOOK_SECRET", "whsec_of_these_tests")
    assert desk.load(path, secrets=None).secrets == ("AVON_WEBHOOK_SECRET",)
    assert desk.ends() == ["loaded"]


def test_several_named_secrets_are_tried_and_the_one_that_matched_is_kept(
    archive: Archive, desk: Desk, tmp_path: Path
) -> None:
    file = tmp_path / "secrets.toml"
    long = "x" * 100  # longer than a block of SHA-256
    file.write_text(f'"2024" = "{OLD}"\n"2025" = "{NEW}"\nlong = "{long}"\n')
    lines = [
        archive.raw(archive.patient(ms), secret=secret)
        for ms, secret in enumerate([OLD, NEW, long, "whsec_none_of_them"], 1)
    ]
    receipt = desk.take(*lines, secrets=file)
    assert receipt.secrets == ("2024", "2025", "long")
    assert desk.column("SELECT secret FROM deliveries ORDER BY line") == [
        *("2024", "2025", "long"),
        None,
    ]
    assert desk.ends()[-1] == "signature_mismatch"


@pytest.mark.parametrize("text", ["whsec_alone", 'name = "a"\nname = "b"', "name = 5", "", "\xff"])
def test_a_secrets_file_that_cannot_be_used_is_said_without_its_text(
    archive: Archive, desk: Desk, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "secrets.toml"
    file.write_bytes(text.encode("latin-1"))
    path = archive.write(archive.raw(archive.patient()))
    with pytest.raises(SecretsFileError) as caught:
        desk.load(path, secrets=file)
    told = "".join(traceback.format_exception(caught.value))
    assert "whsec_alone" not in told
    with pytest.raises(SecretsFileError, match="missing"):
        desk.load(path, secrets=tmp_path / "missing.toml")


# Not the hex digest alone, and what may be said of it.
WRONG: dict[str, tuple[Callable[[str], str | list[str]], str | None]] = {
    "cut by one": (lambda s: s[:-1], "cut short"),
    "cut to eight": (lambda s: s[:8], "cut short"),
    "padded with a blank": (lambda s: s + " ", "white space"),
    "on a line of its own": (lambda s: s + "\n", "white space"),
    "padded with a digit": (lambda s: s + "0", "among others or behind other text"),
    "with a prefix": (lambda s: "sha256=" + s, "behind a prefix"),
    "with another prefix": (lambda s: "v1=" + s, "behind other text"),
    "twice": (lambda s: f"{s},{s}", "among others"),
    "with another one": (lambda s: f"{'0' * 64}, {s}", "among others"),
    "a list of two": (lambda s: [s, "0" * 64], "among others"),
    "a list of it twice": (lambda s: [s, s], "among others"),
    "in base64": (lambda s: base64.b64encode(bytes.fromhex(s)).decode(), "base64"),
    "half": (lambda s: s[:7], "no hex SHA-256"),
    "another word": (lambda s: "none", "no hex SHA-256"),
    "in base64 for addresses": (
        lambda s: base64.urlsafe_b64encode(bytes.fromhex(s)).decode().rstrip("="),
        "base64",
    ),
    "of other bytes": (lambda s: "0" * 64, None),
}


def test_what_only_holds_the_right_digest_is_refused_and_its_likely_cause_named(
    archive: Archive, desk: Desk
) -> None:
    lines = []
    for ms, (change, _) in enumerate(WRONG.values(), 1):
        body = json.dumps(archive.patient(ms))
        lines.append(json.dumps({"headers": {"a": change(archive.sign(body))}, "body": body}))
    desk.take(*(line.replace('"a":', '"avon-signature":') for line in lines))
    assert desk.ends() == ["signature_mismatch"] * len(WRONG)
    causes = desk.column("SELECT cause FROM quarantine ORDER BY line")
    for (case, (_, expected)), cause in zip(WRONG.items(), causes, strict=True):
        assert (cause is None) if expected is None else (expected in (cause or "")), case


def test_hex_of_either_case_is_the_same_digest(archive: Archive, desk: Desk) -> None:
    body = json.dumps(archive.patient())
    right = archive.sign(body)
    mixed = "".join(c.upper() if n % 2 else c for n, c in enumerate(right))
    desk.take(*(json.dumps({"signature": s, "body": body}) for s in (right, right.upper(), mixed)))
    assert desk.ends() == ["loaded", "duplicate", "duplicate"]


# What an exporter made of a body, and what that is called.
CHANGED = {
    "its last newline lost": (UPDATED + "\n", UPDATED, "newline at its end was lost"),
    "a newline added": (UPDATED, UPDATED + "\n", "newline was added"),
    "blanks lost": (UPDATED, f"  {UPDATED} ", "white space around it"),
    "made compact": (UPDATED, UPDATED.replace(" ", ""), "JSON was written anew"),
    "spaced out": (UPDATED.replace(" ", ""), UPDATED, "JSON was written anew"),
    "indented before": (json.dumps(json.loads(UPDATED), indent=2), UPDATED, "written anew"),
    "its keys sorted": (
        '{"event": "a.b", "object": {}, "created_at": 1}',
        '{"created_at":1,"event":"a.b","object":{}}',
        None,  # whatever order there was is lost
    ),
    "sorted before": (
        '{"created_at":1,"event":"a.b","object":{}}',
        '{"event": "a.b", "created_at": 1, "object": {}}',
        "written anew",
    ),
    "escapes undone": (NAMED.replace("é", "\\u00e9"), NAMED, "written anew"),
    "escaped": (NAMED, NAMED.replace("é", "\\u00e9"), "written anew"),
    "escapes of slashes undone": (NAMED.replace("/", "\\/"), NAMED, "written anew"),
    "encoded twice": (UPDATED, json.dumps(UPDATED), "encoded as JSON twice"),
    "decoded once too often": (json.dumps(UPDATED), UPDATED, "taken out of it"),
    "in base64 without a word": (
        UPDATED,
        base64.b64encode(UPDATED.encode()).decode(),
        "isBase64Encoded does not say so",
    ),
    "read as Latin-1": (NAMED, NAMED.encode().decode("latin-1"), "another encoding"),
    "line ends of Windows": ("{\n}", "{\r\n}", "line ends"),
    "line ends of Unix": ("{\r\n}", "{\n}", "line ends"),
    "a mark lost": ("\ufeff" + UPDATED, UPDATED, "byte-order mark was lost"),
    "a mark added": (UPDATED, "\ufeff" + UPDATED, "byte-order mark was added"),
    "a value changed": (UPDATED, UPDATED.replace("ann", "bob"), None),
    "cut short": (UPDATED, UPDATED[:-9], None),
}


def test_a_changed_body_is_refused_and_its_likely_cause_named(archive: Archive, desk: Desk) -> None:
    lines = [
        json.dumps({"signature": archive.sign(sent), "body": kept})
        for sent, kept, _ in CHANGED.values()
    ]
    desk.take(*lines)
    assert desk.ends() == ["signature_mismatch"] * len(CHANGED)
    causes = desk.column("SELECT cause FROM quarantine ORDER BY line")
    for (case, (_, _, expected)), cause in zip(CHANGED.items(), causes, strict=True):
        assert (cause is None) if expected is None else (expected in (cause or "")), case


# What may have happened to the secret that was given, or to the digest.
OF_THE_SECRET: dict[str, tuple[Callable[[str], str], str | None]] = {
    "white space": (lambda s: f" {s}\n", "without the white space around it"),
    "a newline lost": (lambda s: s.rstrip("\n"), "with a newline at its end"),
    "in quotes": (lambda s: f'"{s}"', "without the quotes around it"),
    "with a prefix": (lambda s: f"whsec_{s}", "without its prefix"),
    "in hex": (lambda s: s.encode().hex(), "decoded from hex"),
    "in base64": (lambda s: base64.b64encode(s.encode()).decode(), "decoded from base64"),
    "another": (lambda s: "whsec_another", None),
}


@pytest.mark.parametrize("case", OF_THE_SECRET)
def test_a_secret_that_was_changed_on_its_way_is_named(
    archive: Archive, desk: Desk, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AVON_WEBHOOK_SECRET", raising=False)
    change, expected = OF_THE_SECRET[case]
    right = "s3cr3t of ours\n" if case == "a newline lost" else "s3cr3t of ours"
    desk.take(archive.raw(archive.patient(), secret=right), secrets={"prod": change(right)})
    assert desk.ends() == ["signature_mismatch"]
    (cause,) = desk.column("SELECT cause FROM quarantine")
    assert cause == (None if expected is None else f"the secret prod matches {expected}")


def test_another_secret_that_is_known_is_named_and_not_trusted(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVON_WEBHOOK_SECRET", OLD)
    desk.take(archive.raw(archive.patient(), secret=OLD), secrets={"new": NEW})
    assert desk.ends() == ["signature_mismatch"]
    (cause,) = desk.column("SELECT cause FROM quarantine")
    assert cause.endswith("among those given: the one in the environment as AVON_WEBHOOK_SECRET")


@pytest.mark.parametrize("algorithm", ["sha1", "sha512", "md5", None])
def test_another_digest_is_named(archive: Archive, desk: Desk, algorithm: str | None) -> None:
    body = json.dumps(archive.patient()).encode()
    if algorithm:
        digest = hmac.new(b"whsec_of_these_tests", body, algorithm).hexdigest()
    else:
        digest = hashlib.sha256(body).hexdigest()
    desk.take(json.dumps({"signature": digest, "body": body.decode()}))
    assert desk.ends() == ["signature_mismatch"]
    (cause,) = desk.column("SELECT cause FROM quarantine")
    assert (f"HMAC-{algorithm.upper()}" if algorithm else "made without a secret") in cause


def test_a_wrong_secret_is_not_sought_for_in_every_line(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each file, a few hundred lines are looked at; a cause that shows keeps the search on."""
    looked_at = Counter[str]()

    def count(mismatch: Any, secrets: Any) -> str | None:
        looked_at[mismatch.bodies[0].decode()[11:15]] += 1
        return likely_cause(mismatch, secrets)

    monkeypatch.setattr(diagnosis, "likely_cause", count)
    monkeypatch.setattr(diagnosis, "IN_VAIN", 50)
    foreign = [json.dumps({"event": "none", "created_at": ms}) for ms in range(120)]
    cut = [json.dumps({"event": "cuts", "created_at": ms}) for ms in range(120)]
    first = archive.write(*(archive.raw(body, secret=OLD) for body in foreign))
    second = archive.write(
        *(json.dumps({"signature": archive.sign(body)[:-1], "body": body}) for body in cut)
    )
    desk.load(first, second)
    assert looked_at == {"none": 50, "cuts": 120}
    assert desk.column("SELECT count(cause) FROM quarantine") == [120]
    assert set(desk.ends()) == {"signature_mismatch"}


def test_no_flipped_byte_is_verified(archive: Archive, desk: Desk) -> None:
    body = UPDATED.encode()
    right = archive.sign(body)
    lines = []
    for n in range(len(body)):
        flipped = body[:n] + bytes([body[n] ^ 1]) + body[n + 1 :]
        lines.append(
            json.dumps(
                {
                    "signature": right,
                    "body": base64.b64encode(flipped).decode(),
                    "isBase64Encoded": True,
                }
            )
        )
    desk.take(*lines)
    assert set(desk.ends()) == {"signature_mismatch"}
    assert desk.column("SELECT DISTINCT cause FROM quarantine") == [None]


def test_verify_counts_the_same_words_without_a_store(archive: Archive) -> None:
    texts = [json.dumps(archive.patient(ms)) for ms in range(5)]
    path = archive.write(
        archive.raw(texts[0]),
        archive.raw(texts[1], secret="another"),
        archive.raw(texts[2], secret=None),
        archive.parsed(texts[3], stands=texts[3].replace(":", " :")),
        archive.parsed(texts[3]),
        "",
        texts[4],
        "{",
    )
    found = verify_archive(path, secrets="whsec_of_these_tests").iloc[0].to_dict()
    assert found.pop("file") == str(path)
    assert found == {
        "n_lines": 7,
        "verified": 2,
        "mismatch": 1,
        "unsigned": 2,
        "unverifiable": 1,
        "unreadable": 1,
        "pending_bytes": 0,
    }
