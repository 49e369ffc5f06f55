"""The commands ``spark …``: the same on a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avon_analytics.cli import options as opt
from avon_analytics.cli.groups import PlainGroup
from avon_analytics.cli.helpers import example, exit_after, show_receipt
from avon_analytics.errors import UsageError

spark = typer.Typer(
    name="spark", cls=PlainGroup, help="The same on a Spark cluster.", no_args_is_help=True
)


@spark.command(
    "load",
    epilog=example(
        "spark load /shared/archive --out /shared/lake --secrets-file secrets.toml",
        "spark load /shared/archive --out /shared/lake --master yarn",
    ),
)
def spark_load(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders, globs and URLs.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="LAKE",
            readable=False,
            help="The lake: a folder that all machines see under this path.",
        ),
    ],
    secrets_file: opt.SecretsFile = None,
    policy: opt.PolicyOption = opt.PolicyWord.require,
    privacy: opt.PrivacyOption = None,
    strict: opt.Strict = False,
    line_limit: opt.LineLimit = None,
    recheck: opt.Recheck = False,
    allow_truncated: opt.Partial = False,
    buckets: Annotated[
        int | None,
        typer.Option(
            "--buckets",
            metavar="N",
            min=1,
            max=100_000,
            help="Into how many parts events are divided; as before, or by cores and bytes.",
        ),
    ] = None,
    master: Annotated[
        str | None,
        typer.Option(
            "--master",
            metavar="URL",
            help="The cluster; without it, what Spark's own settings say, else this machine.",
        ),
    ] = None,
    time_zone: opt.TimeZone = None,
    as_json: opt.AsJson = False,
) -> None:
    """Load an archive into a lake on a Spark cluster, and print where every line ended.

    The same tables and the same receipt as load; seen whole or not at all.
    """
    from avon_analytics.intake.archive.lines import LINE_LIMIT

    try:
        import pyspark  # noqa: F401

        from avon_analytics.spark import load, own_cluster
    except ImportError:
        raise UsageError('this needs Spark: pip install "avon-analytics[spark]"') from None
    with own_cluster(master) as session:
        receipt = load(
            session,
            paths,
            out,
            secrets=secrets_file,
            policy=policy.value,
            privacy=privacy.value if privacy else None,
            line_limit=LINE_LIMIT if line_limit is None else line_limit,
            recheck=recheck,
            allow_truncated=allow_truncated,
            time_zone=time_zone,
            buckets=buckets,
        )
    show_receipt(receipt, as_json=as_json)
    exit_after(receipt, strict)
