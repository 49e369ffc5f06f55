"""Small archives typed out by hand: where each line ends, and that order and form do not matter."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.errors import ArchiveError, MissingSecret

SECRET = "demonstration-secret"
PLANTED = "Zebedee Quillfeather"
T0 = 1_700_000_000_000  # 2023-11-14T22:13:20Z


def visit(
    number: int = 1,
    *,
    minutes: int = 0,
    event: str = "created",
    more: dict[str, Any] | None = None,
    **fields: Any,
) -> str:
    """The body of an appointment's event, ``minutes`` after T0; ``more`` has odd names."""
    body = {
        "event": f"appointment.{event}",
        "created_at": T0 + minutes * 60_000,
        "object": {
            "id": f"appt_{number:032x}",
            "object": "appointment",
            "start_time": T0 + 86_400_000,
            "attendees": [{"id": 1, "attendee": f"user_p{number}", "no_show": False}],
            **fields,
            **(more or {}),
        },
    }
    return json.dumps(body, separators=(",", ":"))


def signature(body: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def raw(body: str, *, received: int = 1, sign: str | None = None, **more: Any) -> bytes:
    """A raw envelope, received ``received`` seconds after T0."""
    digest = signature(body) if sign is None else sign
    headers = {"Avon-Signature": digest} if digest else {}
    envelope = {"headers": headers, "body": body, "received_at": T0 + received * 1000, **more}
    return json.dumps(envelope).encode()


def in_base64(body: str, *, received: int = 1) -> bytes:
    envelope = {
        "multiValueHeaders": {"avon-signature": [signature(body)]},
        "body": base64.b64encode(body.encode()).decode(),
        "isBase64Encoded": True,
        "requestContext": {"timeEpoch": T0 + received * 1000},
    }
    return json.dumps(envelope).encode()


def parsed(body: str, *, received: int = 1, spaced: bool = False) -> bytes:
    text = body if spaced else json.dumps(json.loads(body), separators=(",", ":"))
    head = f'{{"headers":[["AVON-SIGNATURE","{signature(body)}"]],"payload":'
    return f'{head}{text},"receivedAt":{T0 + received * 1000}}}'.encode()


def write(folder: Path, **files: list[bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, lines in files.items():
        (folder / f"{name}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return folder


@pytest.fixture
def empty(empty_stores: Any) -> Iterator[Callable[[], avon.Store]]:
    """Empty stores, as many as one asks for."""
    taken: list[avon.Store] = []

    def take() -> avon.Store:
        taken.append(empty_stores.take())
        return taken[-1]

    yield take
    for store in taken:
        empty_stores.give_back(store)


@pytest.fixture
def loaded(empty: Callable[[], avon.Store]) -> Callable[..., tuple[avon.Store, avon.Receipt]]:
    def load(path: Path, **options: Any) -> tuple[avon.Store, avon.Receipt]:
        store = empty()
        options.setdefault("secrets", SECRET)
        return store, store.load(path, progress=False, **options)

    return load


def counts(receipt: avon.Receipt) -> tuple[int, int, int, int]:
    assert receipt.lines == sum(
        (receipt.blank, receipt.loaded, receipt.duplicate, receipt.quarantined)
    )
    return receipt.blank, receipt.loaded, receipt.duplicate, receipt.quarantined


def content(store: avon.Store, *, figures: bool = True) -> dict[str, list[str]]:
    """What depends on the set of lines alone, as sorted text."""
    tables = store.tables()
    kinds = ["current", "history", *(["figures"] if figures else [])]
    shown = tables["kind"].isin(kinds) & ((tables["n_rows"] > 0) | (tables["kind"] == "figures"))
    names = tables.loc[shown, "table"]
    found = {}
    for name in [*names, "events"]:
        columns = "* EXCLUDE (file, line, byte_offset, byte_length)" if name == "events" else "*"
        rows = store.sql(
            f'SELECT CAST(t AS VARCHAR) AS row FROM (SELECT {columns} FROM "{name}") t'
        )
        found[name] = sorted(rows["row"])
    return found


def test_the_four_forms_tell_one_event(tmp_path: Path, loaded: Any) -> None:
    body = visit()
    lines = [raw(body), in_base64(body), parsed(body), body.encode()]
    store, receipt = loaded(write(tmp_path / "a", one=lines), policy="record")
    assert counts(receipt) == (0, 1, 3, 0)
    event = store.sql("SELECT * FROM events").iloc[0]
    assert event["n_deliveries"] == 4
    assert (event["signature"], event["secret"]) == ("verified", "default")
    assert list(store.sql("SELECT form FROM deliveries ORDER BY line")["form"]) == [
        "raw",
        "base64",
        "parsed",
        "bare",
    ]


ENDS: list[tuple[Callable[[str], bytes], str | None]] = [
    (lambda b: raw(b, sign=""), "unsigned"),
    (lambda b: b.encode(), "unsigned"),
    (lambda b: raw(b, sign=signature(b)[:-1]), "signature_mismatch"),
    (lambda b: raw(b, sign=signature(b) + "0"), "signature_mismatch"),
    (lambda b: raw(b, sign="sha256=" + signature(b)), "signature_mismatch"),
    (lambda b: raw(b, sign=signature(b, "another")), "signature_mismatch"),
    (lambda b: raw(b.replace("created", "crested"), sign=signature(b)), "signature_mismatch"),
    (lambda b: parsed(b.replace(":", ": ")), "unverifiable"),
    (lambda b: raw(b)[:-1], "not_json"),
    (lambda b: raw(b).replace(b'"body"', b'"body": 1, "body"'), "duplicate_keys"),
    (lambda b: raw(b).replace(b'"headers"', b'"h\xff"'), "not_utf8"),
    (lambda b: b'{"hello": "world"}', "not_a_delivery"),
    (lambda b: b"[1, 2]", "not_a_delivery"),
    (lambda b: b'{"body": "%%%", "isBase64Encoded": true}', "not_a_delivery"),
    (lambda b: raw(b, received_at="2024-01-01T00:00:00"), "not_a_delivery"),
    (lambda b: raw(b + "}"), "not_json"),
    (lambda b: raw(b[:-1] + ",}"), "not_json"),
    (lambda b: raw(b.replace("false", "NaN")), "not_json"),
    (lambda b: raw(b.replace('"object":"appointment"', '"id":"x"')), "duplicate_keys"),
    (lambda b: raw("[]"), "contract"),
    (lambda b: raw(b.replace("created_at", "made_at").replace(str(T0), "1")), None),
    (lambda b: raw(b.replace(str(T0 + 86_400_000), '"2024-01-01T00:00:00"')), "contract"),
    (lambda b: raw(b.replace("false", '"perhaps"')), "contract"),
    (lambda b: raw(b.replace('"attendees":[', '"attendees":["x",')), "contract"),
]


def test_each_line_ends_with_its_code(tmp_path: Path, loaded: Any) -> None:
    """Whatever stands beside it: each bad line stands between two good ones."""
    bad = [make(visit(n, description=PLANTED)) for n, (make, _) in enumerate(ENDS, 1)]
    lines = [line for n, one in enumerate(bad, 1) for line in (one, raw(visit(100 + n)))]
    store, receipt = loaded(write(tmp_path / "a", one=[raw(visit(100)), *lines]))
    codes = [
        (2 * n, code, line) for n, ((_, code), line) in enumerate(zip(ENDS, bad, strict=True), 1)
    ]
    expected = [one for one in codes if one[1] is not None]
    assert receipt.quarantined_by_code == Counter(code for _, code, _ in expected)
    assert counts(receipt) == (0, len(ENDS) + 2, 0, len(ENDS) - 1)
    found = store.sql("SELECT * FROM quarantine ORDER BY line")
    assert [
        *zip(found["line"], found["code"], map(bytes, found["content"]), strict=True)
    ] == expected
    assert list(found["sha256"]) == [hashlib.sha256(line).hexdigest() for *_, line in expected]
    told = "".join(found["errors"]) + str(receipt) + repr(store.quarantine.lines().to_dict())
    assert PLANTED not in told


def test_every_fault_of_a_line_is_told_with_its_path(tmp_path: Path, loaded: Any) -> None:
    body = visit(start_time="soon", location=3, status_history=[{"changed_at": PLANTED}])
    store, _ = loaded(write(tmp_path / "a", one=[raw(body)]))
    errors = json.loads(store.quarantine.lines()["errors"][0])
    assert [error["path"] for error in errors] == [
        "object.start_time",
        "object.location",
        "object.status_history.0.changed_at",
    ]


def test_a_mismatch_names_its_likely_cause(tmp_path: Path, loaded: Any) -> None:
    b = visit()
    in_64 = base64.b64encode(bytes.fromhex(signature(b))).decode()
    causes = {
        "newline": raw(b + "\n", sign=signature(b)),
        "written anew": raw(json.dumps(json.loads(b)), sign=signature(b)),
        "base64": raw(b, sign=in_64),
        "cut short": raw(b, sign=signature(b)[:40]),
    }
    store, _ = loaded(write(tmp_path / "a", one=list(causes.values())))
    told = store.quarantine.lines().sort_values("line")["cause"]
    for cause, found in zip(causes, told, strict=True):
        assert cause in found


def test_a_parsed_body_is_verified_as_it_stands(tmp_path: Path, loaded: Any) -> None:
    spaced = json.dumps(json.loads(visit()), separators=(" , ", " : "))
    store, receipt = loaded(write(tmp_path / "a", one=[parsed(spaced, spaced=True)]))
    assert counts(receipt) == (0, 1, 0, 0)
    assert store.sql("SELECT signature FROM events")["signature"][0] == "verified"


def test_white_space_marks_and_ends_of_lines(tmp_path: Path, loaded: Any) -> None:
    one, two, three = (raw(visit(n)) for n in (1, 2, 3))
    text = b"\xef\xbb\xbf" + one + b"\r\n\n  \t \r\n" + two + b"\n\xef\xbb\xbf" + three
    (tmp_path / "a.jsonl").write_bytes(text)
    store, receipt = loaded(tmp_path)
    assert counts(receipt) == (2, 3, 0, 0)
    places = store.sql("SELECT line, byte_offset, byte_length FROM deliveries ORDER BY line")
    assert list(places["line"]) == [1, 4, 5]
    offset = int(places["byte_offset"][1])
    assert text[offset : offset + int(places["byte_length"][1])] == two


def test_a_line_over_the_limit_is_never_held(tmp_path: Path) -> None:
    from avon_analytics.intake.load import load
    from avon_analytics.store.database import Database

    long = raw(visit(description="x" * 5000))
    folder = write(tmp_path / "a", one=[raw(visit(2)), long, raw(visit(3))])
    database = Database(":memory:")
    receipt = load(database, folder, secrets=SECRET, line_limit=2000, batch_bytes=1000)
    assert counts(receipt) == (0, 2, 0, 1)
    with database.reading() as connection:
        row = connection.execute(
            "SELECT line, byte_length, sha256, code, content FROM quarantine"
        ).fetchall()
    assert row == [(2, len(long), hashlib.sha256(long).hexdigest(), "too_long", None)]


def test_an_unfinished_last_line_waits_until_the_file_has_grown(
    tmp_path: Path, loaded: Any
) -> None:
    file = tmp_path / "a.jsonl"
    one, two, three = (raw(visit(n)) for n in (1, 2, 3))
    file.write_bytes(one + b"\n" + two[:50])
    store, first = loaded(tmp_path)
    assert counts(first) == (0, 1, 0, 0)
    assert first.files[0].pending_bytes == 50
    file.write_bytes(one + b"\n" + two)
    assert counts(store.load(tmp_path, secrets=SECRET, progress=False)) == (0, 1, 0, 0)
    file.write_bytes(one + b"\n" + two + b"\n" + three + b"\n")
    assert counts(store.load(tmp_path, secrets=SECRET, progress=False)) == (0, 1, 0, 0)
    assert list(store.sql("SELECT line FROM deliveries ORDER BY line")["line"]) == [1, 2, 3]
    again = store.load(tmp_path, secrets=SECRET, progress=False, recheck=True)
    assert (again.lines, again.files_unchanged) == (0, 1)


def test_a_changed_earlier_part_is_said_and_read_whole(tmp_path: Path, loaded: Any) -> None:
    folder = write(tmp_path / "a", one=[raw(visit(1)), raw(visit(2))])
    store, _ = loaded(folder)
    write(folder, one=[raw(visit(3)), raw(visit(2)), raw(visit(4))])
    receipt = store.load(folder, secrets=SECRET, progress=False)
    assert counts(receipt) == (0, 2, 1, 0)
    assert "earlier part has changed" in str(receipt)


def test_any_order_split_form_and_compression_give_the_same_tables(
    tmp_path: Path, empty: Any
) -> None:
    bodies = [
        visit(1),
        visit(1, minutes=5, event="rescheduled", start_time=T0 + 90_000_000),
        visit(1, minutes=9, event="cancelled"),
        visit(2, event="in_progress", extra_field={"a": [1]}),
    ]
    lines = [
        *(raw(body, received=n) for n, body in enumerate(bodies, 1)),
        in_base64(bodies[0], received=0),
        raw(bodies[2].replace("false", "true"), received=50),  # a second content: the later loses
    ]
    expected = None
    for number, order in enumerate(itertools.islice(itertools.permutations(lines), 0, 720, 60)):
        folder = tmp_path / str(number)
        cut = number % len(lines)
        write(folder, a=list(order[:cut]), b=list(order[cut:]))
        if number % 2:
            plain = folder / "b.jsonl"
            (folder / "b.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
            plain.unlink()
        store = empty()
        if number % 3:  # a part of it first
            store.load(folder / "a.jsonl", secrets=SECRET, progress=False)
        store.load(folder, secrets=SECRET, progress=False)
        # The views of figures are queries to the other tables: once each way is enough of them.
        found = content(store, figures=number in (0, 11))
        assert [len(found[name]) for name in ("events", "appointments")] == [4, 2]
        expected = expected or found
        assert found == {name: expected[name] for name in found}
        assert number not in (0, 11) or found == expected
        _sums_agree(store)


def _sums_agree(store: avon.Store) -> None:
    sums = store.sql(
        """SELECT
            (SELECT sum(loaded)::BIGINT FROM loads) AS loads,
            (SELECT sum(loaded)::BIGINT FROM archive_files) AS files,
            (SELECT count(*) FROM deliveries WHERE ended = 'loaded') AS deliveries,
            (SELECT count(*) FROM events) AS events,
            (SELECT sum(quarantined)::BIGINT FROM loads) AS q_loads,
            (SELECT count(*) FROM quarantine) AS q_lines,
            (SELECT count(*) FROM deliveries WHERE ended = 'quarantined') AS q_deliveries"""
    ).iloc[0]
    assert sums["loads"] == sums["files"] == sums["deliveries"] == sums["events"]
    assert sums["q_loads"] == sums["q_lines"] == sums["q_deliveries"]


@pytest.mark.parametrize("winner_comes_later", [False, True])
def test_of_two_contents_the_first_received_wins(
    tmp_path: Path, winner_comes_later: bool, loaded: Any
) -> None:
    winner = raw(visit(name="right"), received=1)
    loser = raw(visit(name="wrong"), received=2)
    folder = tmp_path / "a"
    first, second = (loser, winner) if winner_comes_later else (winner, loser)
    write(folder, one=[first])
    store, _ = loaded(folder)
    write(folder, two=[second])
    store.load(folder, secrets=SECRET, progress=False)
    assert list(store.table("appointments")["name"]) == ["right"]
    row = store.sql("SELECT code, content FROM quarantine").iloc[0]
    assert (row["code"], bytes(row["content"])) == ("conflict", loser)
    _sums_agree(store)


def test_spelling_is_no_difference_and_a_digit_is(tmp_path: Path, loaded: Any) -> None:
    body = visit(copay=100, note="é")
    same = [
        body.replace("100", "1e2"),
        body.replace("100", "100.00"),
        body.replace("\\u00e9", "é"),
        json.dumps(dict(reversed(json.loads(body).items())), indent=1),
    ]
    lines = [raw(text) for text in (body, *same)]
    store, receipt = loaded(write(tmp_path / "a", one=lines))
    assert counts(receipt) == (0, 1, 4, 0)
    long = [
        visit(2, copay=1).replace('"copay":1', f'"copay":{digits}')
        for digits in ("12345678901234567890", "12345678901234567891")
    ]
    receipt = store.load(write(tmp_path / "b", two=[raw(t) for t in long]), secrets=SECRET)
    assert counts(receipt) == (0, 1, 0, 1)


def test_loading_again_and_renamed_adds_nothing(tmp_path: Path, loaded: Any) -> None:
    folder = write(tmp_path / "a", one=[raw(visit(1)), raw(visit(1), sign="bad")])
    store, _ = loaded(folder)
    before = store.table("appointments")
    again = store.load(folder, secrets=SECRET, progress=False)
    assert (again.lines, again.files_unchanged) == (0, 1)
    (folder / "one.jsonl").rename(folder / "two ' quoted; name.jsonl")
    renamed = store.load(folder, secrets=SECRET, progress=False)
    assert counts(renamed) == (0, 0, 1, 1)
    assert len(before) == 1
    assert store.table("appointments").equals(before)


def test_the_right_secret_later_loads_what_waits(tmp_path: Path, loaded: Any) -> None:
    folder = write(tmp_path / "a", one=[raw(visit(1)), raw(visit(2)), b"no json"])
    store, first = loaded(folder, secrets="wrong")
    assert counts(first) == (0, 0, 0, 3)
    assert first.nothing_trusted
    assert "wrong" not in str(first)
    second = store.load(folder, secrets={"old": "wrong", "new": SECRET}, progress=False)
    assert counts(second) == (0, 2, 0, 0)
    assert not second.nothing_trusted
    assert list(store.quarantine.lines()["code"]) == ["not_json"]
    _sums_agree(store)


def test_policies(tmp_path: Path, loaded: Any) -> None:
    folder = write(tmp_path / "a", one=[raw(visit(1)), raw(visit(2), sign="x"), visit(3).encode()])
    assert counts(loaded(folder)[1]) == (0, 1, 0, 2)
    store, receipt = loaded(folder, policy="record")
    assert counts(receipt) == (0, 3, 0, 0)
    words = store.sql("SELECT signature FROM events ORDER BY object_id")["signature"]
    assert list(words) == ["verified", "mismatch", "unsigned"]
    store, receipt = loaded(folder, policy="skip", secrets=None)
    assert set(store.sql("SELECT signature FROM events")["signature"]) == {"unchecked"}


def test_without_a_secret_no_line_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: Any
) -> None:
    monkeypatch.delenv("AVON_WEBHOOK_SECRET", raising=False)
    folder = write(tmp_path / "a", one=[raw(visit(1))])
    store = empty()
    with pytest.raises(MissingSecret, match="AVON_WEBHOOK_SECRET"):
        store.load(folder, progress=False)
    assert store.sql("SELECT * FROM deliveries").empty


def test_a_damaged_file_leaves_the_store_as_before_it(tmp_path: Path, empty: Any) -> None:
    folder = write(tmp_path / "a", one=[raw(visit(1))])
    whole = gzip.compress(b"".join(raw(visit(n)) + b"\n" for n in range(2, 500)))
    (folder / "two.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    store = empty()
    with pytest.raises(ArchiveError, match=r"two\.jsonl\.gz.*damaged or cut short"):
        store.load(folder, secrets=SECRET, progress=False)
    assert list(store.sql("SELECT file FROM archive_files")["file"].str[-9:]) == ["one.jsonl"]
    (folder / "two.jsonl.gz").write_bytes(whole)
    receipt = store.load(folder, secrets=SECRET, progress=False)
    assert (receipt.loaded, receipt.files_unchanged) == (498, 1)


def test_unknown_events_types_and_fields_are_kept(tmp_path: Path, loaded: Any) -> None:
    bodies = [
        visit(1, event="moved", odd=1),
        visit(2, location={"city": "Avon", "floor": 3}, more={"a.b; \"c'": None}),
        '{"event":"invoice.paid","created_at":1700000000000,"object":{"id":"inv_1","sum":5}}',
        '{"event":"patient.created","created_at":1700000000000,"tenant":7,"object":{"id":"p1"}}',
    ]
    store, receipt = loaded(write(tmp_path / "a", one=[raw(body) for body in bodies]))
    assert counts(receipt) == (0, 4, 0, 0)
    drift = store.sql("SELECT kind, path, json_type, n_seen FROM drift ORDER BY kind, path")
    assert list(drift.fillna("").itertuples(index=False, name=None)) == [
        ("event", "appointment.moved", "", 1),
        ("event", "invoice.paid", "", 1),
        ("field", "appointment.a.b; \"c'", "NULL", 1),
        ("field", "appointment.location.floor", "UBIGINT", 1),
        ("field", "appointment.odd", "UBIGINT", 1),
        ("field", "body.tenant", "UBIGINT", 1),
        ("object_type", "invoice", "OBJECT", 1),
    ]
    kept = store.sql("SELECT object_id, object FROM other_objects").iloc[0]
    assert (kept["object_id"], json.loads(kept["object"])["sum"]) == ("inv_1", 5)
    assert store.table("patients")["id"][0] == "user_p1"


def test_each_line_tells_the_first_name_of_its_secret_in_whatever_order_they_are_tried(
    tmp_path: Path,
) -> None:
    """Secrets that matched before are tried first; that must not show."""
    from avon_analytics.intake.load import load
    from avon_analytics.store.database import Database

    signers = [SECRET, "rotated", "rotated", SECRET, "rotated"]
    bodies = [visit(number) for number in range(len(signers))]
    lines = [raw(b, sign=signature(b, s)) for b, s in zip(bodies, signers, strict=True)]
    # A batch for each file.
    folder = write(tmp_path / "a", **{f"n{n}": [line] for n, line in enumerate(lines)})
    database = Database(":memory:")
    named = {"old": SECRET, "new": "rotated", "old again": SECRET, "new again": "rotated"}
    load(database, folder, secrets=named, batch_bytes=1)
    with database.reading() as connection:
        told = connection.execute("SELECT secret FROM events ORDER BY file").fetchall()
    assert told == [("old",), ("new",), ("new",), ("old",), ("new",)]


def test_unknown_fields_are_kept_by_name_few_or_many(tmp_path: Path, loaded: Any) -> None:
    names = ["a/b", "~", "", "0", 'x"y', "location.city", "é", "*", "$", "#", "a.b", " "]
    few, many = names[:3], names
    folder = write(
        tmp_path / "a",
        one=[
            raw(visit(1, more={name: number for number, name in enumerate(few)})),
            raw(visit(2, more={name: number for number, name in enumerate(many)})),
            raw(visit(3, note=None, deep={"x": [1, {"y": "z"}]})),
        ],
    )
    store, _ = loaded(folder)
    found = store.table("appointments", identifiers=True).sort_values("id")["extra"]
    first, second, third = (json.loads(text) for text in found)
    # A name that looks like one of an inner object stands in quotes.
    kept = ['"location.city"' if name == "location.city" else name for name in many]
    assert first == {name: number for number, name in enumerate(few)}
    assert second == {name: number for number, name in enumerate(kept)}
    assert third == {"note": None, "deep": {"x": [1, {"y": "z"}]}}
