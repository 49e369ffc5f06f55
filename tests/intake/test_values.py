"""Deliveries without line ends, and what a file says that is no archive of lines."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from avon_analytics.intake.archive.lines import FileReader, FileRules
from avon_analytics.intake.archive.values import begins_object, objects, spans_of
from avon_analytics.intake.read.verify import verify_archive

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

SECRET = "whsec_of_these_tests"
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
}
BETWEEN = {"nothing": b"", "a lone CR": b"\r", "blanks": b" \t \r ", "a mark": b"\xef\xbb\xbf"}
ONE = b'{"a": {"b": ["}{", "\\"}{"]}}'


def deliveries(archive: Archive, n: int) -> list[bytes]:
    return [archive.raw(archive.patient(ms)).encode() for ms in range(n)]


# -- where values end ---------------------------------------------------------------------------

CUT: dict[str, tuple[bytes, list[bytes]]] = {
    "one": (ONE, [ONE]),
    "one with blanks": (b" \t" + ONE + b" \r", [b" \t" + ONE + b" \r"]),
    "two": (ONE + ONE, [ONE, ONE]),
    "three with blanks": (b" {}  {}\r{} ", [b"{}", b"{}", b"{}"]),
    "marks": (b"\xef\xbb\xbf{}\xef\xbb\xbf{}", [b"{}", b"{}"]),
    "a comma": (b"{},{}", [b"{}", b",{}"]),
    "a word": (b"{} and {}", [b"{}", b"and {}"]),
    "one brace too many": (b"{}}", [b"{}", b"}"]),
    "an array": (b"{}[{}] ", [b"{}", b"[{}] "]),
    "an array first": (b"[1]{}", [b"[1]{}"]),
    "a malformed one first": (b'{"a": nope}{}', [b'{"a": nope}{}']),
    "a malformed one": (b'{}{"a": 01}{}', [b"{}", b'{"a": 01}{}']),
    "no constant of JSON": (b'{}{"a": NaN}{}', [b"{}", b'{"a": NaN}{}']),
    "a control character": (b'{}{"a": "\x01"}{}', [b"{}", b'{"a": "\x01"}{}']),
    "no UTF-8": (b'{"a": "\xff"}{}', [b'{"a": "\xff"}', b"{}"]),
    "an end in the middle": (b'{}{"a": ', [b"{}", b'{"a": ']),
    "half a pair": (b'{"a": "\\ud800"}{}', [b'{"a": "\\ud800"}', b"{}"]),
    "a very long number": (
        b'{"a": ' + b"1" * 9000 + b"}{}",
        [b'{"a": ' + b"1" * 9000 + b"}", b"{}"],
    ),
    "too deep": (b"{}" + b'{"a":' * 9000, [b"{}", b'{"a":' * 9000]),
    "blank": (b"  ", [b"  "]),
    "nothing": (b"", [b""]),
}


@pytest.mark.parametrize("line", CUT)
def test_a_line_is_cut_into_its_values(line: str) -> None:
    text, expected = CUT[line]
    assert [text[start:end] for start, end in spans_of(text)] == expected


def test_a_value_over_the_limit_ends_the_objects_of_a_line() -> None:
    long = b'{"a": "' + b"x" * 50 + b'"}'
    text = b"{}" + long + b"{}"
    ends = [(0, 2), (2, 2 + len(long)), (2 + len(long), len(text))]
    assert objects(text, 20) == (ends[:1], 2)
    assert objects(text, len(long)) == (ends, len(text))
    assert objects(b"{}{}{}", at_most=2) == ([(0, 2), (2, 4)], 4)


WHOLE = (
    rb'{"a":[1,-2.5e-10,0.5E+3,true,false,null,{"k":"v\"\\\/\b\u00e9\ud83d\ude00 \ud800"}],'
    rb'"b": "'
    b"\xc3\xa9\xff"
    rb'", "c" : { } , "d":[ ], "":-0}'
)
MALFORMED = [
    *(b"", b" {", b"[1", b'"a', b"x", b"{x", b"{,", b"{]", b"{1", b'{"a" x', b'{"a",', b'{"a":,'),
    *(b'{"a":1,}', b'{"a":01', b'{"a":1x', b'{"a":1.}', b'{"a":1.x', b'{"a":--', b'{"a":-x'),
    *(b'{"a":tx', b'{"a":trux', b'{"a":truee', b'{"a":NaN', b'{"a":nulx', b'{"a":T'),
    *(
        b'{"a":"\x01',
        b'{"a":"\\x',
        b'{"a":"\\u00g',
        b'{"a":[1,]',
        b'{"a":[}',
        b"{}",
        b"{}x",
        b"{\xff",
    ),
    *(b'{"a":"\\ud800", bad', b'{"a":' * 9000 + b"x"),
]


def test_every_beginning_of_an_object_is_one() -> None:
    assert [n for n in range(1, len(WHOLE)) if not begins_object(WHOLE[:n])] == []
    assert objects(WHOLE) == ([(0, len(WHOLE))], len(WHOLE))


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: repr(text[:16]))
def test_what_no_ending_makes_an_object_begins_none(text: bytes) -> None:
    assert not begins_object(text)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.text(max_size=3), _VALUES, max_size=3)


@settings(deadline=None)
@given(st.lists(_OBJECTS, min_size=1, max_size=5), st.sampled_from(sorted(BETWEEN)), st.booleans())
def test_whatever_objects_hold_they_are_found_and_their_beginnings_are_pending(
    values: list[Any], between: str, is_ascii: bool
) -> None:
    texts = [
        json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
        for value in values
    ]
    joined = BETWEEN[between].join(texts)
    found, rest = objects(joined)
    assert [joined[start:end] for start, end in found] == texts
    assert rest == len(joined)
    assert all(begins_object(texts[0][:n]) for n in range(1, len(texts[0])))


# -- loading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("between", "suffix", "batch_bytes"),
    [
        *((between, "", 1) for between in BETWEEN),
        *(("nothing", suffix, 5000) for suffix in COMPRESS),
        ("blanks", "", 1 << 25),
    ],
)
def test_deliveries_that_nothing_ends_all_load(
    archive: Archive, desk: Desk, between: str, suffix: str, batch_bytes: int
) -> None:
    sent = deliveries(archive, 60)
    text = BETWEEN[between].join(sent)
    path: Path = archive.write(name=f"a.jsonl{suffix}")
    path.write_bytes(COMPRESS[suffix](text))
    receipt = desk.load(path, within={"batch_bytes": batch_bytes})
    assert (receipt.lines, receipt.loaded, receipt.pending) == (60, 60, {})
    places = desk.rows("SELECT line, byte_offset, byte_length FROM deliveries ORDER BY byte_offset")
    assert [text[start : start + length] for _, start, length in places] == sent
    assert {line for line, _, _ in places} == {1}
    assert desk.rows("SELECT byte_offset FROM events ORDER BY 1") == [
        (start,) for _, start, _ in places
    ]
    assert desk.load(path).files_unchanged == 1
    desk.add_up()


@pytest.mark.parametrize("batch_bytes", [1, 1 << 25])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_lines_that_hold_several_among_others(
    archive: Archive, desk: Desk, end: bytes, batch_bytes: int
) -> None:
    a, b, c, d, e, f = deliveries(archive, 6)
    lines = [a, b + c, b"", d + b" , " + e, b"[1]", e + b'{"a": "\xff"}' + f + b" [1]", f + b"x"]
    path: Path = archive.write(name="a.jsonl")
    path.write_bytes((end or b"\n").join(lines) + end)
    receipt = desk.load(path, within={"batch_bytes": batch_bytes})
    assert desk.rows("SELECT line, ended, code FROM deliveries ORDER BY line, byte_offset") == [
        (1, "loaded", None),
        (2, "loaded", None),
        (2, "loaded", None),
        (4, "loaded", None),
        (4, "quarantined", "not_json"),
        (5, "quarantined", "not_a_delivery"),
        (6, "loaded", None),
        (6, "quarantined", "not_utf8"),
        (6, "loaded", None),
        (6, "quarantined", "not_json"),
        (7, "duplicate", None),
        (7, "quarantined", "not_json"),
    ]
    assert (receipt.lines, receipt.blank) == (13, 1)
    kept = desk.column("SELECT content FROM quarantine ORDER BY line, byte_offset")
    assert [bytes(one) for one in kept] == [b", " + e, b"[1]", b'{"a": "\xff"}', b"[1]", b"x"]
    desk.add_up()


def test_values_longer_than_the_limit_together_are_no_line_over_it(
    archive: Archive, desk: Desk
) -> None:
    sent = deliveries(archive, 40)
    path = archive.write(b"".join(sent), b"{}" * 3)
    limit = max(map(len, sent))
    receipt = desk.load(path, within={"line_limit": limit, "batch_bytes": 1000})
    assert (receipt.loaded, receipt.quarantined_by_code) == (40, {"not_a_delivery": 3})
    desk.add_up()


@pytest.mark.parametrize("batch_bytes", [1, 300, 1 << 25])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_value_over_the_limit_ends_at_the_next_line_end(
    archive: Archive, desk: Desk, batch_bytes: int, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avon_analytics.intake.archive.lines.READ_BYTES", 500)
    a, b, c = deliveries(archive, 3)
    long = b'{"body": "' + b"x" * 3000 + b'"}' + b
    path: Path = archive.write(name="a.jsonl")
    path.write_bytes(c + b"\n" + a + b" " + long + end)
    receipt = desk.load(path, within={"line_limit": 1000, "batch_bytes": batch_bytes})
    assert (receipt.loaded, receipt.quarantined_by_code) == (2, {"too_long": 1})
    assert desk.rows("SELECT line, byte_offset, byte_length FROM quarantine") == [
        (2, len(c) + 1 + len(a) + 1, len(long))
    ]
    desk.add_up()


def test_what_is_quarantined_on_a_shared_line_is_replayed_and_explained_by_its_place(
    archive: Archive, desk: Desk
) -> None:
    """Three of one line fail for a secret that is not known yet; the others stay as they are."""
    good, *others = (
        [archive.raw(archive.patient(ms)) for ms in range(1)],
        *(archive.raw(archive.patient(ms), secret="another") for ms in range(1, 4)),
    )
    path = archive.write("".join([others[0], good[0], *others[1:]]) + "x")
    assert desk.load(path).quarantined_by_code == {"signature_mismatch": 3, "not_json": 1}
    secrets = {"one": SECRET, "two": "another"}
    again = desk.store.quarantine.replay(secrets=secrets)
    assert (again.tried, again.loaded, again.quarantined) == (4, 3, 1)
    assert desk.ends() == ["loaded", "loaded", "loaded", "loaded", "not_json"]
    assert desk.column("SELECT count(DISTINCT byte_offset) FROM events") == [4]
    desk.add_up()


def test_conflicts_on_one_line_are_told_apart(archive: Archive, desk: Desk) -> None:
    first = archive.raw(archive.patient(1, gender="x"), received="2025-03-10T13:00:00Z")
    other = archive.raw(archive.patient(2))
    early = archive.raw(archive.patient(1, gender="y"), received="2025-03-09T12:00:00Z")
    desk.load(archive.write(first + other, name="a.jsonl"))
    receipt = desk.load(archive.write(other + early, name="b.jsonl"))
    assert (receipt.loaded, receipt.duplicate) == (1, 1)
    genders = "SELECT gender FROM patients_versions WHERE gender IS NOT NULL"
    assert desk.column(genders) == ["y"]
    assert desk.rows("SELECT file LIKE '%a.jsonl', byte_offset, code FROM quarantine") == [
        (True, 0, "conflict")
    ]
    desk.add_up()


# -- what is pending ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_file_that_grows_without_line_ends(
    archive: Archive, open_desk: OpenDesk, suffix: str
) -> None:
    """Loaded at every step it ends as if it had been loaded at once."""
    sent = deliveries(archive, 5)
    text = sent[0] + sent[1] + b" " + sent[2] + b"\n" + sent[3] + sent[4]
    path: Path = archive.write(name=f"a.jsonl{suffix}")
    places = "SELECT line, byte_offset, byte_length, ended FROM deliveries ORDER BY byte_offset"
    desk = open_desk()
    cuts = [*range(1, len(text), 307), len(sent[0]), len(sent[0]) + len(sent[1]) + 1, len(text)]
    for cut in sorted(cuts):
        path.write_bytes(COMPRESS[suffix](text[:cut]))
        desk.load(path)
    at_once = open_desk()
    at_once.load(path)
    assert desk.rows(places) == at_once.rows(places)
    assert len(desk.rows(places)) == 5
    desk.add_up()


def test_pending_bytes_are_named_by_every_load_and_count_under_strict(
    archive: Archive, desk: Desk
) -> None:
    one, two = deliveries(archive, 2)
    path: Path = archive.write(name="a.jsonl")
    path.write_bytes(one + two[:100])
    other = archive.write(one, name="b.jsonl")
    for _ in range(3):
        receipt = desk.load(path, other)
        assert receipt.pending == {str(path): 100}
        assert receipt.as_dict()["pending"] == {str(path): 100}
        assert f"{path}: it ends in the middle of a delivery: its last 100 bytes" in str(receipt)
        assert "its last 100 bytes" in receipt._repr_html_()
    assert receipt.files_unchanged == 2
    assert desk.load(other).pending == {}
    found = verify_archive([path, other], SECRET)
    assert found["pending_bytes"].tolist() == [100, 0]
    assert found["verified"].tolist() == [1, 1]
    path.write_bytes(one + two)
    assert desk.load(path).pending == {}
    assert desk.column("SELECT pending_bytes FROM archive_files") == [0, 0]


def test_text_that_begins_no_object_is_never_pending(archive: Archive, desk: Desk) -> None:
    texts = [b"no JSON", b"[1, ", b'{"a": nope', b'{"a"}', b"12", b"\xff", b"{}x", b'{"a": 01']
    for n, (one, text) in enumerate(zip(deliveries(archive, len(texts)), texts, strict=True)):
        archive.write(name=f"{n}.jsonl").write_bytes(one + b"\n" + text)
    receipt = desk.load(archive.folder)
    assert (receipt.loaded, receipt.pending, len(receipt.files)) == (len(texts), {}, len(texts))
    for file, text in zip(receipt.files, texts, strict=True):
        assert (file.loaded, file.pending_bytes) == (1, 0), text
        assert file.quarantined == file.lines - 1 > 0, text
    desk.add_up()


def test_a_last_line_that_is_no_delivery_goes_on_where_it_was(archive: Archive, desk: Desk) -> None:
    one, two = deliveries(archive, 2)
    path: Path = archive.write(name="a.jsonl")
    for text in (one + b" oh", one + b" oh no" + two, one + b" oh no" + two + b"\n" + two):
        path.write_bytes(text)
        desk.load(path)
    assert desk.rows(
        "SELECT line, byte_offset, byte_length, ended FROM deliveries ORDER BY 1, 2"
    ) == [
        (1, 0, len(one), "loaded"),
        (1, len(one) + 1, 5 + len(two), "quarantined"),
        (2, len(one) + 7 + len(two), len(two), "loaded"),
    ]
    desk.add_up()


# -- memory --------------------------------------------------------------------------------------


def test_a_file_without_a_line_end_is_held_piece_by_piece(tmp_path: Path) -> None:
    value = json.dumps({"event": "x" * 1000}).encode()
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        for _ in range(100):
            file.write(value * 1000)
    reader = FileReader(str(path), FileRules(batch_bytes=1 << 22))
    sizes = [(len(batch), len(batch.buffer)) for batch in reader.batches()]
    reader.close()
    assert sum(n for n, _ in sizes) == 100_000
    assert max(size for _, size in sizes) < 3 << 22
    assert reader.bytes_read == path.stat().st_size


# -- files of another kind -----------------------------------------------------------------------

KINDS: dict[str, tuple[str, Callable[[list[bytes]], bytes]]] = {
    "one JSON array": ("one JSON array", lambda lines: b"[" + b", ".join(lines) + b"]"),
    "an array, one element a line": (
        "one JSON array",
        lambda lines: b"[\n" + b",\n".join(lines) + b"\n]\n",
    ),
    "an array, indented": (
        "one JSON array",
        lambda lines: json.dumps([json.loads(line) for line in lines], indent=2).encode(),
    ),
    "objects over several lines": (
        "span several lines",
        lambda lines: b"\n".join(json.dumps(json.loads(x), indent=2).encode() for x in lines),
    ),
    "UTF-16": ("UTF-16", lambda lines: b"\n".join(lines).decode().encode("utf-16")),
    "UTF-16 without a mark": (
        "UTF-16",
        lambda lines: b"\n".join(lines).decode().encode("utf-16-be"),
    ),
}


def test_a_file_of_another_kind_is_named_with_how_to_convert_it(
    archive: Archive, desk: Desk
) -> None:
    kinds = {}
    for n, ((says, spell), suffix) in enumerate(product(KINDS.values(), ("", ".gz"))):
        path: Path = archive.write(name=f"{n:02}.json{suffix}")
        path.write_bytes(COMPRESS[suffix](spell(deliveries(archive, 3))))
        kinds[path] = says
    receipt = desk.load(*kinds)
    for (path, says), file in zip(kinds.items(), receipt.files, strict=True):
        (note,) = [line for line in str(receipt).splitlines() if line.startswith(str(path))]
        assert says in note
        assert "Convert it, for example with: " in note
        assert (file.file, file.quarantined > 0) == (str(path), True)
    desk.add_up()


def test_a_torn_or_odd_first_line_makes_no_other_kind_of_a_file(
    archive: Archive, desk: Desk
) -> None:
    one, two = deliveries(archive, 2)
    for n, first in enumerate((b"[]", one[:50] + b"x", b'{"a": 1}', b"\0\0\0\0")):
        receipt = desk.load(archive.write(first, one, two, name=f"{n}.jsonl"))
        assert "Convert" not in str(receipt)
    assert "Convert" not in str(desk.load(archive.write(one[:50], one, two, name="torn.jsonl")))
