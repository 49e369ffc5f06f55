"""The truth about a sample: what was decided, counted with the specification's definitions."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from avon_analytics.samples.archive import FILES, Archive
from avon_analytics.samples.deliveries import Post
from avon_analytics.samples.facts import Slot
from avon_analytics.samples.instants import DAY, LAST_WORD, iso, local, seconds_text
from avon_analytics.samples.lines import SECRETS
from avon_analytics.samples.talks import Question
from avon_analytics.samples.visits import Visit

MADE_BY = "avon_analytics.samples"
SLOT_COLUMNS = (
    *("appointment_id", "patient_id", "slot", "start_at", "superseded", "due"),
    *("outcome", "cancelled_by", "notice_hours"),
)
OUTCOME_COUNTS = (
    *("n_slots", "n_not_due", "n_attended", "n_no_show", "n_cancelled"),
    *("n_cancelled_by_patient", "n_cancelled_by_provider", "n_cancelled_by_unknown"),
    *("n_rescheduled", "n_unresolved"),
)
STAGES = ("booked", "started", "completed")
WENT = ("cancelled", "no_show", "rescheduled", "unresolved", "open")
_WEBHOOK = {"booked": "created", "started": "started", "completed": "completed"}


class Tally:
    """Adds up visits as they are decided; holds one line of text a slot, and the notices."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.cards: Counter[str] = Counter()
        self.questions: list[Question] = []
        self._total = dict.fromkeys(OUTCOME_COUNTS, 0)
        self._months: dict[str, dict[str, int]] = {}
        self._reached: Counter[str] = Counter()
        self._observed: Counter[str] = Counter()
        self._went: Counter[tuple[str, str]] = Counter()
        self._notices: list[float] = []
        self._cancellations: Counter[str] = Counter()
        self._moves: Counter[str] = Counter()
        self._appointments = 0

    def visit(self, visit: Visit, card: str) -> None:
        self.cards[card] += 1
        self._appointments += 1
        if visit.traits["internal"]:
            return
        self._funnel(visit)
        for slot in visit.all_slots():
            self._slot(visit, slot)

    def _funnel(self, visit: Visit) -> None:
        stage, went = visit.stage()
        last = STAGES.index(stage)
        for reached in STAGES[: last + 1]:
            self._reached[reached] += 1
            self._observed[reached] += visit.came(_WEBHOOK[reached])
        if went is not None:
            self._went[stage, went] += 1

    def _slot(self, visit: Visit, slot: Slot) -> None:
        outcome, notice, who = slot.outcome, slot.notice_hours, slot.patient
        by = slot.cancelled_by if outcome == "cancelled" else None
        known_zone = who.zone if who is not None and who.is_known else None
        wall = local(slot.start, visit.zone or known_zone)
        month = f"{wall.year}-{wall.month:02}-01"
        counts = self._months.setdefault(month, dict.fromkeys(OUTCOME_COUNTS, 0))
        for table in (self._total, counts):
            table["n_slots"] += 1
            if not slot.due:
                table["n_not_due"] += 1
                continue
            table[f"n_{outcome}"] += 1
            if by is not None:
                table[f"n_cancelled_by_{by}"] += 1
        self._move(slot)
        if slot.due and outcome != "rescheduled":
            self._cancellation(outcome, by, notice)
        patient_id = "" if who is None else who.user
        words = (
            f"appt_{visit.hex},{patient_id},{slot.number},{seconds_text(slot.start)},"
            f"{_yes(slot.superseded)},{_yes(slot.due)},{outcome},{by or ''},"
        )
        self.lines.append(words + ("" if notice is None else f"{notice:.6f}"))

    def _move(self, slot: Slot) -> None:
        self._moves["n_slots"] += 1
        if slot.moved_to is not None:
            self._moves["n_superseded"] += 1
            earlier = slot.moved_to < slot.start
            self._moves["n_moved_earlier" if earlier else "n_moved_later"] += 1

    def _cancellation(self, outcome: str, by: str | None, notice: float | None) -> None:
        counts = self._cancellations
        counts["n_due"] += 1
        if outcome != "cancelled" or notice is None:
            return
        counts["n_cancelled"] += 1
        counts[f"n_by_{by}"] += 1
        counts["n_late"] += notice < 24
        counts["n_after_start"] += notice < 0
        self._notices.append(notice)

    # Reading it out

    def outcomes(self) -> dict[str, Any]:
        return {"total": self._total, "by_month": dict(sorted(self._months.items()))}

    def funnel(self) -> list[dict[str, Any]]:
        rows = []
        for step, stage in enumerate(STAGES, 1):
            reached, observed = self._reached[stage], self._observed[stage]
            row: dict[str, Any] = {"step": step, "stage": stage, "n_reached": reached}
            row |= {"n_observed": observed, "n_inferred": reached - observed}
            row |= {f"n_{word}": self._went[stage, word] for word in WENT}
            rows.append(row)
        return rows

    def cancellations(self) -> dict[str, Any]:
        names = ("n_due", "n_cancelled", "n_by_patient", "n_by_provider", "n_by_unknown")
        counts = {name: self._cancellations[name] for name in (*names, "n_late", "n_after_start")}
        middle = round(median(self._notices), 6) if self._notices else None
        return counts | {"median_notice_hours": middle}

    def reschedules(self) -> dict[str, int]:
        names = ("n_slots", "n_superseded", "n_moved_earlier", "n_moved_later")
        return {name: self._moves[name] for name in names}

    def replies(self) -> dict[str, int]:
        """Of patients whom the archive knows: who wrote otherwise, it cannot tell."""
        questions = [one for one in self.questions if one.patient.is_known]
        followed = [one for one in questions if one.asked_at + DAY <= LAST_WORD]
        answered = sum(one.answered_at is not None for one in questions)
        return {
            "n_questions": len(questions),
            "n_answered": answered,
            "n_waiting": len(questions) - answered,
            "n_followed": len(followed),
            "n_in_time": sum(
                one.answered_at is not None and one.answered_at <= one.asked_at + DAY
                for one in followed
            ),
        }

    @property
    def n_appointments(self) -> int:
        return self._appointments


def _yes(value: bool) -> str:
    return "true" if value else "false"


def receipt(archive: Archive) -> dict[str, Any]:
    """What a load of the whole archive, files in the order of their paths, must report."""
    files: dict[str, Any] = {}
    total: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for layout, file in zip(FILES, archive.files, strict=True):
        of_file = dict(sorted(file.codes.items()))
        files[f"archive/{layout.path}"] = {**file.counts, "quarantined_by_code": of_file}
        total.update(file.counts)
        codes.update(file.codes)
    names = ("lines", "blank", "loaded", "duplicate", "quarantined")
    by_code = dict(sorted(codes.items()))
    whole = {name: total[name] for name in names}
    return {**whole, "quarantined_by_code": by_code, "files_passed_over": 1, "files": files}


def tables(tally: Tally, post: Post) -> dict[str, int]:
    """Rows of the tables of current state: objects of which at least one event is trusted."""
    names = {
        "patients": "patient",
        "caregivers": "caregiver",
        "messages": "message",
        "providers": "provider",
        "supports": "support",
        "care_teams": "care_team",
        "documents": "document",
        "tasks": "task",
    }
    counts = {table: len(post.known.get(kind, ())) for table, kind in names.items()}
    counts["appointments"] = tally.n_appointments
    counts["messages_with_deleted_at"] = len(post.known.get("deleted message", ()))
    return dict(sorted(counts.items()))


def whole_truth(tally: Tally, post: Post, archive: Archive, seed: int) -> dict[str, Any]:
    """``truth.json``: as of the default instant, with every default of the specification."""
    return {
        "made_by": MADE_BY,
        "seed": seed,
        "n_appointments": tally.n_appointments,
        "as_of": iso(LAST_WORD),
        "policy": "require",
        "grace_hours": 24,
        "late_hours": 24,
        "reply_hours": 24,
        "include_internal": False,
        "secrets": list(SECRETS),
        "receipt": receipt(archive),
        "n_events": sum(post.events.values()),
        "n_by_object_type": dict(sorted(post.events.items())),
        "tables": tables(tally, post),
        "outcomes": tally.outcomes(),
        "funnel": tally.funnel(),
        "cancellations": tally.cancellations(),
        "reschedules": tally.reschedules(),
        "replies": tally.replies(),
        "cases": {
            "cards": dict(sorted(tally.cards.items())),
            "forms": dict(sorted(post.forms.items())),
            "deliveries": dict(sorted(post.cases.items())),
        },
    }
