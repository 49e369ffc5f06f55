"""The command line ``avon-analytics``: results to standard output, everything else to the other.

Exit codes: 0 done; 1 an error of the program; 2 wrong usage; 3 done, but lines were quarantined
under ``--strict``, or not one line could be believed; 4 bad input or store.
"""

from __future__ import annotations

import sys

from avon_analytics.cli.app import app
from avon_analytics.cli.output import ReaderGone
from avon_analytics.errors import AvonError


def main() -> None:
    """Run a command; what a user can mend is told in one sentence, without a traceback."""
    try:
        app()
    except AvonError as error:
        print(f"avon-analytics: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except ReaderGone:
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        print("avon-analytics: stopped; what was finished stays", file=sys.stderr)
        raise SystemExit(130) from None


__all__ = ["main"]
