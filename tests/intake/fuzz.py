"""Mutated lines of all four forms, loaded in batches, each of which must be reconciled.

    python tests/intake/fuzz.py --lines 200000 --seed 1

Every line ends somewhere, the receipt adds up, the log agrees with it, and nothing raises. The
suite runs a small part of it (test_fuzz.py). Writes figures to standard output.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import re
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

import avon_analytics as avon
from avon_analytics.intake.read.codes import Policy

SECRET = "whsec_of_the_fuzz"
BOM = b"\xef\xbb\xbf"
TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\u0000", b"\\ud800", b"\x00", b"\xff"),
    *(b"null", b"true", b"NaN", b"1e999", b"-0", b"99999999999999999999", b"1E2", b"\xef\xbb\xbf"),
    *(b'"event"', b'"object"', b'"body"', b'"id":"x",', b'"created_at":1,', b"\r", b" ", b"[" * 99),
)


def bodies() -> list[str]:
    """Bodies of several types and generations, whose fields the mutations hit."""
    visit = {
        "id": "appt_1",
        "start_time": 1741608000000,
        "attendees": [{"id": 1, "attendee": "user_1", "no_show": False}],
        "status_history": [{"status": "scheduled", "changed_at": "2025-03-01T10:00:00.9Z"}],
        "location": {"city": "Avon", "floor": 3},
    }
    person = {
        "id": "user_1",
        "date_of_birth": {"year": 1980, "month": 1, "day": 2},
        "custom_data": [{"key": "cfld_1", "value": 1.5}],
        "caregivers": ["user_2"],
        "new": {"a": [1, "é"]},
    }
    return [
        json.dumps({"event": event, **when, "object": about}, ensure_ascii=False)
        for event, about in (
            ("appointment.created", visit),
            ("patient.updated", person),
            ("message.created", {"id": "msg_1", "text": "hello"}),
            ("document.updated", {"id": "doc_1", "score": 1.5, "tags": ["a"]}),
            ("invoice.paid", {"id": "inv_1", "sum": 5}),
        )
        for when in ({"created_at": 1741608000000}, {"id": "wbhk_1"}, {"created_at": "2025-01-01"})
    ]


VALUE = re.compile(rb'(?<=: )("[^"]*"|[\w.-]+)')
VALUES = (
    *(b"null", b"true", b"{}", b"[]", b"[null]", b'{"a":1}', b'""', b"0", b"-1", b"1.5", b"1e400"),
    *(b'"2025-02-30"', b'"2025-03-01T10:00:00+05:30"', b'"user_null"', b'"1741608000000"', b"1e3"),
    *(
        b'"\\u0000"',
        b'"\\ud83d\\ude00"',
        b"123456789012345678901234567890",
        b"1e99999999999999999999",
    ),
)

POLICIES: tuple[Policy, ...] = ("require", "record", "skip")


def mutated(random: Random, line: bytes, other: bytes) -> bytes:
    """The line with one value replaced, or after some flips, cuts, splices, doublings, tokens."""
    if random.random() < 0.6 and (places := list(VALUE.finditer(line))):
        place = random.choice(places)
        return line[: place.start()] + random.choice(VALUES) + line[place.end() :]
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(line) + 1)
        match random.randrange(6):
            case 0 if line:
                at = random.randrange(len(line))
                line = line[:at] + bytes([line[at] ^ 1 << random.randrange(8)]) + line[at + 1 :]
            case 1:
                line = line[:at]
            case 2:
                line = line[:at] + other[random.randrange(len(other) + 1) :]
            case 3:
                end = min(len(line), at + random.randrange(40))
                line = line[:end] + line[at:end] + line[end:]
            case 4:
                line = line[:at] + line[at + random.randrange(1, 30) :]
            case _:
                line = line[:at] + random.choice(TOKENS) + line[at:]
    return line.replace(b"\n", b" ")


def enveloped(random: Random, body: bytes) -> bytes:
    """A body in one of the four forms; most are signed after they were mutated."""
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = {"headers": {"avon-signature": signature}, "received_at": 1741608000000}
    form = random.randrange(4)
    if form == 0:
        text = body.decode("utf-8", "replace")
        return json.dumps({**head, "body": text}).encode()
    if form == 1:
        return json.dumps(
            {**head, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        ).encode()
    if form == 2:
        return json.dumps(head)[:-1].encode() + b', "body": ' + body + b"}"
    return body


def lines(random: Random, n: int) -> list[bytes]:
    """Mutated lines: half in the body before it was signed, half in the line as a whole."""
    texts = [body.encode() for body in bodies()]
    found = []
    for _ in range(n):
        body, other = random.choice(texts), random.choice(texts)
        if random.random() < 0.5:
            found.append(enveloped(random, mutated(random, body, other)))
        else:
            found.append(mutated(random, enveloped(random, body), enveloped(random, other)))
    return [line.replace(b"\n", b" ") for line in found]


def solid(text: bytes) -> bytes:
    """A text without the white space that may stand around values, wherever it stands."""
    return bytes(code for code in text if code not in b" \t\r\n")


def reconcile(folder: Path, batch: list[bytes], policy: Policy) -> Counter[str]:
    """Load some lines into a new store; every one of them must be accounted for."""
    path, raw = folder / "batch.jsonl", b"".join(line + b"\n" for line in batch)
    path.write_bytes(raw)
    with avon.open(":memory:") as store:
        secrets = None if policy == "skip" else SECRET
        receipt = store.load(path, secrets=secrets, policy=policy, progress=False)
        assert receipt.lines >= len(batch), "each line is counted, once for each of its values"
        told = receipt.blank + receipt.loaded + receipt.duplicate + receipt.quarantined
        assert told == receipt.lines, "the receipt adds up"
        ended = store.sql(
            "SELECT line, byte_offset, byte_length, coalesce(code, ended) AS ended "
            "FROM deliveries ORDER BY byte_offset"
        )
        assert len(ended) == ended["byte_offset"].nunique() == receipt.lines - receipt.blank
        pieces: dict[int, list[bytes]] = defaultdict(list)
        for line, start, length, _ in ended.itertuples(index=False):
            pieces[line].append(raw[start : start + length])
        for line, text in enumerate(batch, 1):
            sent = solid(text)
            if len(pieces[line]) != 1:  # a mark is of none of several values, and alone it is blank
                sent = sent.removeprefix(BOM)
            assert solid(b"".join(pieces[line])) == sent, "no byte of a line is lost or read twice"
        kept = store.sql("SELECT byte_offset, content FROM quarantine")
        assert len(kept) == receipt.quarantined
        for start, content in kept.itertuples(index=False):
            assert raw[start : start + len(content)] == bytes(content), "kept to the byte"
        (events,) = store.sql("SELECT count(*) AS n FROM events")["n"]
        assert events == receipt.loaded
        if policy == "require":
            weak = store.sql("SELECT count(*) AS n FROM events WHERE signature <> 'verified'")
            assert weak["n"].tolist() == [0], "nothing is trusted unchecked"
        again = store.load(path, secrets=secrets, policy=policy, recheck=True, progress=False)
        assert again.lines == 0, "loading again changes nothing"
    return Counter(ended["ended"].tolist()) + Counter(blank=receipt.blank)


def main() -> None:
    """Run a fuzz and print where its lines ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3600.0)
    given = parser.parse_args()
    random, started, done, ends = Random(given.seed), time.monotonic(), 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        while done < given.lines and time.monotonic() - started < given.seconds:
            policy = random.choice(POLICIES)
            ends += reconcile(Path(folder), lines(random, given.batch), policy)
            done += given.batch
            print(f"{done:,} lines, {time.monotonic() - started:.0f} s", flush=True)
    print(f"seed {given.seed}: {done:,} lines reconciled, {dict(ends.most_common())}")


if __name__ == "__main__":
    main()
