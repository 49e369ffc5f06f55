"""Judging the lines of a batch: those that look odd to the engine are fetched and looked at.

The workbench holds them in ``arrivals``; what is found out goes back there, and into ``verdicts``
where a line does not load. Whether a key stands twice, or a field is unknown, is asked of one text
of each shape.
"""

from __future__ import annotations

from functools import partial

from avon_analytics.intake.archive.batch import Batch
from avon_analytics.intake.diagnosis import causes
from avon_analytics.intake.envelope import Signed, line_digest, signed_of
from avon_analytics.intake.judge import Verdict, judge_body, judge_line, verdict
from avon_analytics.intake.shapes import Keys, Shapes
from avon_analytics.intake.signature import Secrets
from avon_analytics.intake.strict_json import body_digest
from avon_analytics.intake.words import CODE_OF_WORD, Policy, word_of_line
from avon_analytics.intake.workbench import Refusal, Workbench

_RESPELLED = 0  # the shape of bodies that are spelled anew
_ODD = "(SELECT unnest(CAST($odd AS UBIGINT[])))"


class Judging:
    """Judges the lines on workbenches, under a policy and some secrets.

    ``shapes`` are those met so far, which several may share.
    """

    def __init__(self, policy: Policy, secrets: Secrets | None, shapes: Shapes) -> None:
        self._policy = policy
        self._secrets = secrets
        self._shapes = shapes

    def judge_lines(self, bench: Workbench, batch: Batch) -> None:
        """Refuse lines that are no deliveries, or have a key twice."""
        found = bench.run(
            "SELECT line_shape, min(nth), NULL FROM arrivals WHERE NOT is_odd_line GROUP BY ALL"
        )
        told = self._shapes.told(found, partial(_keys_of_lines, bench, batch))
        odd = bench.run(
            f"SELECT nth FROM arrivals WHERE is_odd_line OR line_shape IN {_ODD} ORDER BY nth",
            odd=[shape for shape, what in told.items() if what.has_repeats],
        )
        verdicts = [(nth, judge_line(batch.content(nth))) for (nth,) in odd]
        bench.refuse([(nth, fault, None) for nth, fault in verdicts if fault], is_of_line=True)

    def apply_policy(self, bench: Workbench, batch: Batch) -> None:
        """Refuse lines whose signature the policy does not believe, and name likely causes."""
        self.verify_as_it_stands(bench, batch)
        if self._policy != "require":
            return
        for word, code in CODE_OF_WORD.items():
            bench.run(
                f"""INSERT INTO verdicts SELECT nth, $code, $errors, NULL, false FROM arrivals
                WHERE secret IS NULL AND {word_of_line(self._policy)} = $word
                  AND nth NOT IN (SELECT nth FROM verdicts)""",
                code=code,
                errors=verdict(code, _EXPECTED[code]).errors,
                word=word,
            )
        self._diagnose(bench, batch)

    def _diagnose(self, bench: Workbench, batch: Batch) -> None:
        """Name the likely causes of mismatches."""
        if self._secrets is None:
            return
        mismatches = bench.run(
            "SELECT v.nth, a.file FROM verdicts AS v JOIN arrivals AS a ON a.nth = v.nth "
            "WHERE v.code = 'signature_mismatch' ORDER BY v.nth"
        )
        found = causes(
            ((nth, file, partial(_signed, batch, nth)) for nth, file in mismatches), self._secrets
        )
        bench.update("cause", found, "VARCHAR", table="verdicts")

    def verify_as_it_stands(self, bench: Workbench, batch: Batch) -> None:
        """Parsed envelopes whose body, as it stands in the line, is what was signed."""
        if self._secrets is None:
            return
        lines = bench.run(
            "SELECT nth FROM arrivals WHERE form = 'parsed' AND is_signed AND secret IS NULL"
        )
        found = []
        for (nth,) in lines:
            signed = signed_of(batch.content(nth).decode("utf-8", "replace"))
            names = signed and [
                self._secrets.matching(body, signed.signature) for body in signed.candidates
            ]
            found += [(nth, name) for name in names or [] if name][:1]
        bench.update("secret", found, "VARCHAR")

    def judge_bodies(self, bench: Workbench) -> None:
        """Look at odd bodies that are believed; respell for the engine those that are well."""
        found = bench.run(
            "SELECT body_shape, min(nth), any_value(split_part(event, '.', 1)) "
            "FROM arrivals WHERE NOT is_odd_body GROUP BY body_shape"
        )
        told = self._shapes.told(found, partial(_keys_of_bodies, bench))
        unknown = [(_RESPELLED, False, False)]
        for shape, what in told.items():
            if not (what.is_event_known and what.is_object_known):
                unknown.append((shape, what.is_event_known, what.is_object_known))
        bench.run(
            "CREATE OR REPLACE TEMP TABLE unknown_shapes AS SELECT unnest($shapes::UBIGINT[]) "
            "AS body_shape, unnest($a::BOOLEAN[]) AS is_event_known, "
            "unnest($b::BOOLEAN[]) AS is_object_known",
            **dict(zip(("shapes", "a", "b"), map(list, zip(*unknown, strict=True)), strict=True)),
        )
        respell(
            bench,
            "SELECT nth, body FROM arrivals WHERE nth NOT IN (SELECT nth FROM verdicts) "
            f"AND (is_odd_body OR body_shape IN {_ODD}) ORDER BY nth",
            odd=[shape for shape, what in told.items() if what.has_repeats],
        )


def judge_numbers(bench: Workbench, batch: Batch) -> None:
    """Digests of bodies with numbers that the engine does not compare exactly."""
    hard = bench.run(
        "SELECT nth, form, body FROM arrivals "
        "WHERE is_odd_digest AND body IS NOT NULL AND nth NOT IN (SELECT nth FROM verdicts)"
    )
    digests = []
    for nth, form, body in hard:
        # Taking a value out of a line rewrites its numbers.
        is_rewritten = form in ("parsed", "bare")
        digest = (
            line_digest(batch.content(nth), as_spelled=True)
            if is_rewritten
            else body_digest(body, as_spelled=True)
        )
        if digest:
            digests.append((nth, digest))
    bench.update("body_digest", digests, "UUID")


def respell(bench: Workbench, odd_bodies: str, **parameters: object) -> list[int]:
    """Judge the bodies of a query; returns the lines that now read well."""
    refused: list[Refusal] = []
    spelled: list[tuple[int, str]] = []
    for nth, body in bench.run(odd_bodies, **parameters):
        found = verdict("not_utf8", "expected UTF-8") if body is None else judge_body(body)
        if isinstance(found, Verdict):
            refused.append((nth, found, None))
        else:
            spelled.append((nth, found))
    bench.refuse(refused)
    bench.update("body", spelled, "VARCHAR")
    lines = [nth for nth, _ in spelled]
    if lines:
        bench.run(
            f"""UPDATE arrivals SET
                event = body ->> '$.event',
                created_at = as_instant(body ->> '$.created_at'),
                unset_created_at = CASE WHEN is_unset(as_moment(body ->> '$.created_at'))
                    THEN body ->> '$.created_at' END,
                delivery_id = as_id(body ->> '$.id', NULL),
                body_shape = {_RESPELLED}
            WHERE nth IN (SELECT unnest($lines))""",
            lines=lines,
        )
    return lines


def _keys_of_lines(bench: Workbench, batch: Batch, nths: list[int]) -> list[Keys]:
    found = bench.run(
        "SELECT all_keys(text) FROM (SELECT unnest($texts) AS text, "
        "generate_subscripts($texts, 1) AS nth) ORDER BY nth",
        texts=[batch.text(nth) for nth in nths],
    )
    return [keys for (keys,) in found]


def _keys_of_bodies(bench: Workbench, nths: list[int]) -> list[Keys]:
    found: dict[int, Keys] = dict(
        bench.run(
            "SELECT nth, all_keys(body) FROM arrivals WHERE nth IN (SELECT unnest($nths))",
            nths=nths,
        )
    )
    return [found[nth] for nth in nths]


def _signed(batch: Batch, nth: int) -> Signed | None:
    return signed_of(batch.content(nth).decode("utf-8", "replace"))


_EXPECTED = {
    "unsigned": "expected a signature in the header avon-signature",
    "unverifiable": "expected the body as it was sent; it was parsed, so its bytes are lost",
    "signature_mismatch": "expected the HMAC-SHA256 of the body under one of the secrets",
}
