"""How commands speak: results on stdout, progress and errors on stderr, in the language of `--lang` or `SANQUAN_LANG`."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

stdout = Console(highlight=False, soft_wrap=True, emoji=False)
stderr = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

HOLDS, BROKEN, USAGE = 0, 1, 2
OnProgress = Callable[[int, int], None]
_SHOW_AFTER = 2_000
"""Items above which a bar is shown."""


def language(wanted: str | None = None) -> Literal["zh", "en"]:
    """`zh` or `en`: as asked, else by `SANQUAN_LANG`, else by the locale."""
    text = wanted or os.environ.get("SANQUAN_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "en"
    return "zh" if text.lower().startswith("zh") else "en"


def say(en: str, zh: str, wanted: str | None = None) -> None:
    """A result line in the reader's language."""
    stdout.print(zh if language(wanted) == "zh" else en, markup=False)


def warn(en: str, zh: str, wanted: str | None = None) -> None:
    """A line on stderr in the reader's language."""
    stderr.print(zh if language(wanted) == "zh" else en, markup=False)


def fail(status: int, en: str, zh: str, wanted: str | None = None) -> NoReturn:
    """Ends the command with words on stderr."""
    warn(en, zh, wanted)
    raise typer.Exit(status)


def print_json(value: Any) -> None:
    """A result for machines."""
    stdout.print(json.dumps(value, ensure_ascii=False, indent=2), markup=False)


class _Rate(TextColumn):
    def __init__(self) -> None:
        super().__init__("{task.fields[unit]}/s")

    def render(self, task: Any) -> Any:
        speed = task.finished_speed or task.speed or 0
        from rich.text import Text

        return Text(f"{speed:,.0f} {task.fields['unit']}/s")


@contextmanager
def progress(title: str, total: int | None, unit: str = "records") -> Iterator[OnProgress]:
    """Calls the yielded function with (done, total); a bar with rate and time left if the work is long."""
    if total is not None and total < _SHOW_AFTER:
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task(title, total=total, unit=unit)
        yield lambda done, whole: bar.update(task, completed=done, total=whole or None)
