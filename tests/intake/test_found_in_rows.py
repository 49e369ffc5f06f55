"""Which texts of rows are found to name a person: those of which the searcher says so.

The engine passes over most texts, because it sees that they name nobody.
"""

from __future__ import annotations

import base64

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from avon_analytics.intake.person.rows import Rows, find
from avon_analytics.intake.person.search import PersonSearch

BARE = "5f2c9a7b1e3d4f60a1b2c3d4"
HER = PersonSearch(
    {f"user_{BARE}"},
    first_names={"Zoë-Łucja", "Zo", "Ada"},
    last_names={"van der Nuñez", "O'Hara", "王"},
    emails={"z.(o)+n@clinic.example"},
    numbers={"+1 (555) 123-4567", "078-05-1120"},
    records={"M00123", "12|45", "no way"},
)
SHORT = PersonSearch({"user_ab12"}, first_names={"B"}, last_names={"A"})
WITHOUT = PersonSearch(set())

_PIECES = st.sampled_from(
    [
        *(
            "Zo",
            "ADA",
            "ada",
            "Zoe-Lucja",
            "ZOË-ŁUCJA",
            "lucja",
            "van der Nuñez",
            "Van Der",
            "NUÑEZ",
        ),
        *("nunez", "o'hara", "O_HARA", "oHara", "王", "王小明", "Ｚｏ", "zo\u200d", "A", "B", "aB"),
        *("z.(o)+n@clinic.example", "Z.(O)+N@CLINIC", "zoo+n@clinic.example"),
        *(
            "555",
            "123",
            "4567",
            "5551234567",
            "15551234567",
            "078051120",
            "078",
            "05",
            "1120",
            "٠٧٨",
        ),
        *("M00123", "m001234", "12|45", "12", "No Way", "noway", "NO\tWAY"),
        *(BARE, BARE.upper(), f"user_{BARE}", BARE[:-1], "user_ab12", "AB12", "xab12"),
        *(
            "\\u0061",
            "\\",
            "%20",
            "&amp;",
            "&#97;",
            "\n",
            "\x00",
            "\x85",
            "ı",
            "İ",
            "ß",
            "’",
            '"',
            "'",
        ),
        *(
            "2025-01-02T03:04:05",
            "deadbeef",
            "0123456789abcdef",
            "wordswithoutend",
            "appt_",
            "/",
            "+",
        ),
    ]
)
_BETWEEN = st.sampled_from(["", "", " ", "-", "_", ".", "\t", "  ", ") "])


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_WHOLE = st.lists(st.tuples(_PIECES, _BETWEEN), max_size=5).map(
    lambda parts: "".join(piece + between for piece, between in parts)
)
_TEXTS = _WHOLE | _WHOLE.map(_coded) | _WHOLE.map(str.upper) | st.text(max_size=20)


def found(sought: PersonSearch, texts: list[str]) -> list[tuple[str, bool, bool, bool]]:
    """The texts that name somebody, and how."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE event_lines AS SELECT CAST(NULL AS VARCHAR) AS event_id, '' AS event, "
            "'' AS event_sent, '' AS object_type, '' AS object_id, CAST(NULL AS JSON) AS extra, "
            "CAST(NULL AS TIMESTAMPTZ) AS occurred_at"
        )
        connection.execute("CREATE TABLE told AS SELECT unnest(?::VARCHAR[]) AS t", [texts])
        rows = Rows(connection, (), str, "nth", "event_lines")
        assert find(rows, sought, "SELECT t FROM told") == frozenset()
        return connection.execute(
            "SELECT spelling, by_id, by_words, by_half FROM named ORDER BY spelling"
        ).fetchall()


@pytest.mark.parametrize("sought", [HER, SHORT, WITHOUT], ids=["her", "short", "without"])
@settings(max_examples=25, deadline=None)
@given(texts=st.lists(_TEXTS, min_size=20, max_size=200))
@example(texts=["Ada", "adam", "ADA_O'Hara.pdf", "VanDerNuñez", "call 555.123-4567", "no way", ""])
def test_no_text_is_passed_over_that_names_somebody(sought: PersonSearch, texts: list[str]) -> None:
    told = {text: sought.how_named(text) for text in texts}
    expected = sorted((text, *how) for text, how in told.items() if how.by_half)
    assert sorted(found(sought, texts)) == expected


def test_what_names_them_is_found_in_plain_texts_and_in_others() -> None:
    whole = [
        BARE.upper(),
        "z.(O)+n@clinic.example",
        "t: 5551234567",
        "M00123",
        "no WAY",
        "oHara, Ada",
        r"\u0041da O'H\x61ra",
        "%41da%20O'%48ara",
        "&#65;da O'&#72;ara",
        "Âda O'Hâra",
        _coded("Ada O'Hara"),
    ]
    half = ["Ada", "VanDerNunez"]
    nobody = ["adam", "Adamson van der Linde", "0123456789abcdef", "7551234567", "M001234", ""]
    found_in = found(HER, [*whole, *half, *nobody])
    assert {text for text, _, by_words, _ in found_in if by_words} == set(whole)
    assert {text for text, _, by_words, _ in found_in if not by_words} == set(half)
