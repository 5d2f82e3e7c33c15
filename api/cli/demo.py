"""`sanquan demo`: the main job, on real data, against an embedded registry."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import USAGE, fail, language


def demo(
    name: Annotated[str, typer.Argument(help="Which demo: first-day.")] = "first-day",
    data: Annotated[Path, typer.Option(help="Where its data is left.")] = Path("demo-data"),
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en.")] = None,
) -> None:
    """Register real data, grant and check rights, verify the chain, catch four forgers. The data stays to look at."""
    from api.demo.cast import DemoError
    from api.demo.first_day import run

    if name != "first-day":
        fail(USAGE, f"there is no demo {name!r}; try first-day", f"没有演示 {name!r}，可用 first-day", lang)
    try:
        run(data, language(lang))
    except DemoError as error:
        fail(1, str(error), str(error), lang)


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command()(demo)
