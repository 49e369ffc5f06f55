"""The page that lies beside a sample."""

from __future__ import annotations

from avon_analytics.samples.archive import FILES, PASSED_OVER, Layout
from avon_analytics.samples.instants import BEGIN, LAST_WORD, iso

TITLE = "# A made-up clinic and its signed webhook archive"

_PAGE = """{title}

Nothing here is real. Every person, name, address, telephone number, mail address, record number
and visit was made up by a program; names come from two short lists of invented ones, telephone
numbers are 555-01xx, mail addresses end in example.com, and social security numbers begin with
000, which is never issued. The secrets are for demonstration and protect nothing.

It was made by

    avon-analytics sample OUT --appointments {n_appointments} --seed {seed}

that is `avon_analytics.samples.write_sample(out, n_appointments={n_appointments}, seed={seed}, \
mishap_every={mishap_every})`. \
The same
numbers give the same bytes again; no clock is read.

The clinic books {n_appointments} appointments from {begin} to {last}.
The last instant is also the one as of which the truth holds, with every default: policy
`require` with both secrets, 24 hours of grace, late below 24 hours, internal meetings left out.

| file | holds |
|---|---|
| `secrets.toml` | the two secrets that the deliveries were signed with, by name |
| `truth.json` | how each line must end, and what each figure must be: what the simulation decided |
| `truth_slots.csv` | the truth of every slot: outcome, who cancelled, with how much notice |
| `archive/` | the deliveries, one a line, as several exporters wrote them |

The truth was never counted from the archive: it was written down when the simulation decided to
cancel, to move, to come or not to come. It can therefore bear witness against a reader.
Where a delivery stands in several files, `truth.json` takes the files in the order of their
paths: the first is loaded, the others are duplicates. `cases` counts the scripts that were dealt;
what only an older or newer generation can tell is played as its nearest relative there, and the
truth is that one's.

| file in `archive/` | special about it |
|---|---|
{files}
| `{passed_over}` | no archive: to be passed over |

Mixed into them on purpose: repeated, late, lost and re-sent deliveries, lines out of order, and a
few lines of every kind that must not be trusted.
"""


def readme(n_appointments: int, seed: int, mishap_every: int) -> str:
    return _PAGE.format(
        title=TITLE,
        n_appointments=n_appointments,
        seed=seed,
        mishap_every=mishap_every,
        begin=iso(BEGIN)[:10],
        last=iso(LAST_WORD),
        files="\n".join(f"| `{one.path}` | {_special(one)} |" for one in FILES),
        passed_over=PASSED_OVER,
    )


def _special(layout: Layout) -> str:
    words = {
        "an empty file": not layout.weight,
        "begins with a byte-order mark": layout.bom,
        "CRLF line ends": layout.crlf,
        "the last line has no end": layout.open_end,
        "several compressed members": layout.members,
        "the secret changes in it": layout.month == "2025-03",
        "generation A gives way to B": layout.month == "2025-01",
        "generation B gives way to C": layout.month == "2025-05",
    }
    return "; ".join(word for word, holds in words.items() if holds)
