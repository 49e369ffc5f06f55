"""Whether a text, an object or raw bytes name a person, in whatever spelling they do."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avon_analytics.intake.person.search import PersonSearch, bare_id
from avon_analytics.intake.person.spellings import may_hold_more, readings, texts_of
from avon_analytics.intake.person.tombstones import Tombstones, _finder, _shape
from avon_analytics.store.schema import CREATE_SETTINGS

pytestmark = pytest.mark.any_engine

BARE = "5f2c9a7b1e3d4f60a1b2c3d4e5f60718"
HER = PersonSearch(
    frozenset({f"user_{BARE}"}),
    first_names=frozenset({"Zoë-Łucja", "Zo"}),
    last_names=frozenset({"van der Nuñez"}),
    emails=frozenset({"Zoe.N@clinic.example"}),
    numbers=frozenset({"+1 (555) 123-4567", "078-05-1120"}),
    records=frozenset({"M00123", "77"}),
)
PLAIN = (
    BARE,
    f"user_{BARE}",
    f" USER_{BARE.upper()}\t",
    f"pat_{BARE}",
    f"chart_user_{BARE}.pdf",
    f"user_{BARE}-2024",
    f"x{BARE}y",
    "Zo van der Nuñez",
    "VAN DER NUN\u0303EZ, ZOE\u0308-ŁUCJA",
    "letter_to_zo_van-der-nunez.docx",
    "ＺＯ ｖａｎ ｄｅｒ Ｎｕñｅｚ",
    "zo\u200d van der Nu\u00adñez",
    "LetterZoVanDerNuñez.pdf",
    "zoe.n@CLINIC.example",
    "call (555) 123 4567 at noon",
    "+1-555-123-4567",
    "ssn 078051120",
    "٠٧٨-٠٥-١١٢٠",
    "mrnM00123.",
)
NOT_HER = (
    "Zo Garcia",
    "van der Linde",
    "Zoran van der Nuñez",
    "5551234",
    "M001234",
    "77",
    f"appt_{BARE[::-1]}",
    BARE[:-1],
    "an ordinary note of nobody",
)


def _quoted(text: str) -> str:
    return json.dumps({"note": text})


def _slashed(text: str) -> str:
    coded = base64.b64encode(text.encode()).decode()
    return coded.replace("/", "\\/").replace("+", "\\u002B").replace("=", "\\u003d")


def _every_letter(text: str) -> str:
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[n]:02X}{units[n + 1]:02x}" for n in range(0, len(units), 2))


WRAPPED: tuple[Callable[[str], str], ...] = (
    str,
    _quoted,
    lambda text: _quoted(_quoted(text)),
    lambda text: _quoted(_quoted(_quoted(text))),
    _every_letter,
    _slashed,
    lambda text: _quoted(base64.b64encode(_quoted(text).encode()).decode()),
    lambda text: base64.urlsafe_b64encode(f"{text} {text}".encode()).decode().rstrip("="),
    lambda text: "data:" + base64.b64encode(gzip.compress(text.encode())).decode(),
    lambda text: base64.encodebytes((text + " " * 90).encode()).decode(),
    lambda text: base64.b64encode(base64.b64encode(text.encode() * 2)).decode(),
    lambda text: text.replace("%", "%25").replace(" ", "%20").replace("ñ", "%C3%B1"),
    lambda text: text.replace("&", "&amp;").replace("ñ", "&ntilde;"),
)


@pytest.mark.parametrize("text", PLAIN)
def test_a_spelling_of_the_person_is_found_in_every_wrapping(text: str) -> None:
    found = [HER.is_named(wrap(text)) for wrap in WRAPPED if len(text.encode()) * 4 // 3 >= 12]
    assert all(found), [
        wrap(text) for wrap, is_found in zip(WRAPPED, found, strict=False) if not is_found
    ]


@pytest.mark.parametrize("text", NOT_HER)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    for wrap in WRAPPED:
        assert not HER.is_named(wrap(text)), wrap(text)


@pytest.mark.parametrize(
    ("known", "written"),
    [
        ("+1 (555) 123-4567", ["555 123 4567", "1-555-1234567", "001 555 123 4567"]),
        ("+49 171 1234567", ["0171 1234567", "0049 171 1234567", "+49 (0)171/1234567"]),
        ("+49 (0)171 1234567", ["0171 1234567", "+49 171 1234567"]),
        ("+353 87 123 4567", ["087 123 4567", "+353 (0)87 1234567", "00353871234567"]),
        ("00353 87 123 4567", ["087 123 4567", "+353 87 123 4567"]),
        ("087 123 4567", ["+353 87 123 4567", "(0) 87-1234567"]),
        ("1 555 123 4567", ["(555) 123-4567", "+1 555 123 4567"]),
    ],
)
def test_a_telephone_number_is_found_with_and_without_its_country(
    known: str, written: list[str]
) -> None:
    sought = PersonSearch({"user_x"}, numbers={known})
    assert [one for one in (known, *written) if not sought.is_named(f"call {one} at noon")] == []
    assert not sought.is_named("call 87 123 4568 at noon")


def test_a_social_security_number_keeps_its_zero() -> None:
    sought = PersonSearch({"user_x"}, numbers={"078-05-1120"})
    assert sought.is_named("078051120")
    assert not sought.is_named("78051120")


CODECS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize("codec", CODECS)
def test_bytes_are_searched_in_every_encoding(codec: str) -> None:
    for text in PLAIN:
        content = _quoted(f"about {text} today").encode(codec)
        assert HER.why_not_keep(content) == "named", text
        assert HER.why_not_keep(content[1:]) is not None, text  # cut within a character
    assert HER.why_not_keep(_quoted("nobody in particular").encode(codec)) is None


def test_bytes_that_cannot_be_searched_are_not_kept() -> None:
    noise = random.Random(4).randbytes(400)
    assert HER.why_not_keep(noise) == "unsearchable"
    assert HER.why_not_keep(b'{"file":"' + base64.b64encode(noise) + b'"}') == "unsearchable"
    signature = base64.b64encode(noise[:32])  # no name hides in a digest
    assert HER.why_not_keep(b'{"x-signature":"' + signature + b'","body":"{}"}') is None
    assert HER.why_not_keep("Zo van der Nuñez".encode("latin-1")) == "named"
    assert texts_of(gzip.compress(b"plain")) == ["plain"]


def test_of_an_object_the_rest_stays() -> None:
    told: dict[str, Any] = {
        "people": [
            {"name": "Zo van der Nuñez", "role": "mother"},
            {"name": "Ann", "n": 5551234567},
        ],
        "first": {"first_name": "Zo", "last_name": "van der Nuñez"},
        f"user_{BARE}": 1,
        "calls": 5551234567,
        "kept": [1, None, True, "well"],
        "none": None,
    }
    assert HER.without(told) == {
        "people": [{"role": "mother"}, {"name": "Ann"}],
        "kept": [1, None, True, "well"],
        "none": None,
    }
    assert HER.without({"kept": 1}) == {"kept": 1}
    assert HER.owns({"patient": f"USER_{BARE}"})
    assert not HER.owns({"people": [{"id": BARE}]})


@pytest.mark.parametrize("given", [f"user_{BARE}", BARE, f" USER_{BARE.upper()} ", f"pat_{BARE}"])
def test_all_spellings_of_an_id_are_one(given: str) -> None:
    assert bare_id(given) == BARE
    assert HER.is_id(given)
    assert not HER.is_id(f"chart_{BARE}.pdf {BARE}")


IDS = (
    BARE,
    "zeb28characterslongid0000001",
    "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "p1",
    "abc12",
)


@pytest.mark.parametrize("bare", IDS)
def test_the_shape_of_an_id_finds_it_within_a_longer_word(bare: str) -> None:
    assert bare in _finder(_shape(bare))(f"chart_user_{bare}.pdf")


@pytest.fixture
def tombstones() -> Iterator[Tombstones]:
    with duckdb.connect() as connection:
        connection.execute(CREATE_SETTINGS)
        connection.execute("CREATE TABLE forgotten (mark VARCHAR, kind VARCHAR, since TIMESTAMPTZ)")
        yield Tombstones(connection)


def test_all_that_may_be_an_id_in_a_long_text_is_not_held_at_once(
    tombstones: Tombstones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avon_analytics.intake.person.tombstones.MOST_REMEMBERED", 1000)
    bare = "zeb28characterslongid0000001"
    tombstones.add_person(bare)
    text = "".join(random.Random(1).choices("ghijklmnop", k=100_000)) + bare
    tracemalloc.start()
    try:
        assert tombstones.people_in([text]) == {bare}
        assert tracemalloc.get_traced_memory()[1] < 20 * len(text)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("bare", IDS)
def test_the_engine_passes_over_no_text_that_holds_an_id(tombstones: Tombstones, bare: str) -> None:
    tombstones.add_person(f"user_{bare}")
    wide = f"user_{bare}".translate({n: n + 0xFEE0 for n in range(ord("!"), ord("~"))})
    around = (bare, f"user_{bare}", f"USER_{bare.upper()}", f"chart_user_{bare}.pdf", wide)
    texts = [wrap(text) for text in around for wrap in WRAPPED]
    named = [text for text in texts if tombstones.people_in([text]) == {bare}]
    assert len(named) > len(texts) // 2
    (seen,) = zip(
        *duckdb.execute(
            f"SELECT t FROM (SELECT unnest($texts) AS t) WHERE {tombstones.may_name_people('t')}",
            {"texts": texts},
        ).fetchall(),
        strict=True,
    )
    assert set(named) <= set(seen)


_BYTES = st.binary(min_size=9, max_size=60) | st.text(
    'abcXYZ019 _-é€Ⅷ%5C&;\\"', min_size=9, max_size=60
).map(str.encode)
_SPELLED = st.sampled_from((bytes, lambda data: data.decode("latin-1").encode("utf-16-le")))
_PACKED = _SPELLED | st.sampled_from((gzip.compress, zlib.compress))
_CODED = st.sampled_from((base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes))


_WRAPPING: st.SearchStrategy[Callable[[str], str]] = st.sampled_from((str, _quoted, _slashed))


@st.composite
def _hiding(draw: st.DrawFn) -> str:
    """A text in which others may stand, in one another; what is compressed is coded once."""
    data, wrap = draw(_BYTES), draw(_WRAPPING)
    for _ in range(draw(st.integers(0, 2))):
        data = draw(_CODED)(draw(_SPELLED)(data))
    data = draw(_CODED)(draw(_SPELLED if wrap is _slashed else _PACKED)(data))
    around = st.sampled_from(("", "a", "a/b", "user_", '{"n": "', "\\u0041", "%41", "é", " "))
    text = (
        draw(around) + data.decode().rstrip(draw(st.sampled_from(("", "=", "\n")))) + draw(around)
    )
    return wrap(text)


@given(_hiding(), st.integers(2, 60))
def test_what_is_long_is_read_whatever_is_passed_over(text: str, least: int) -> None:
    every = {one for one in readings(text) if len(one) >= least}
    assert every <= set(readings(text, least))
    if text.isascii() and every > {text}:
        assert re.search(may_hold_more(least), text)
        assert duckdb.execute(
            "SELECT regexp_matches($text, $more)", {"text": text, "more": may_hold_more(least)}
        ).fetchone() == (True,)


def _in_short_lines(data: bytes) -> str:
    coded = base64.b64encode(data).decode()
    return "\n".join(coded[start : start + 20] for start in range(0, len(coded), 20))


_DIGITS = b"0" * 40
_LONG_WITHIN = (
    *(
        before + base64.b64encode(packed).decode().rstrip("=")
        for packed in (gzip.compress(_DIGITS), *(zlib.compress(_DIGITS, n) for n in (1, 6, 9)))
        for before in ("", "a", "ab", "abc")
    ),
    base64.b64encode(_DIGITS).decode(),
    _in_short_lines(_DIGITS),
    "".join(f"\\u{letter:04x}" for letter in _DIGITS),
    "".join(f"%{letter:02x}" for letter in _DIGITS),
    "".join(f"&#{letter};" for letter in _DIGITS),
)


@pytest.mark.parametrize("text", _LONG_WITHIN)
def test_what_is_long_is_read_however_short_it_is_written(text: str) -> None:
    assert _DIGITS.decode() in readings(text, len(_DIGITS))
    assert re.search(may_hold_more(len(_DIGITS)), text)
