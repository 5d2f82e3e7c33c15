"""`sanquan recover`: what an operator does when a start says that the registry is read-only."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import BROKEN, HOLDS, USAGE, fail, language, print_json, progress, say, warn
from api.cli.trusting import JsonOption, KeyOption, LangOption, read_keys, read_known
from ledger.errors import LedgerError
from ledger.known import Known
from ledger.note import VerifierKey
from ledger.private_files import write_private
from ledger.sources import DirectorySource, LogSource, UrlSource

if TYPE_CHECKING:
    from registry.recovery import Recovered, Recovery

CONTINUES_NAME = "continues.json"


def recover(
    data: Annotated[Path, typer.Option(help="The data folder.")] = Path("sanquan-data"),
    from_: Annotated[
        str | None, typer.Option("--from", help="An exported tree, or the URL of a mirror or server, with the entries.")
    ] = None,
    known: Annotated[
        list[Path] | None,
        typer.Option(help="The newest receipts or checkpoints that anybody has: the journal is made anew."),
    ] = None,
    key: KeyOption = None,
    end: Annotated[bool, typer.Option("--end", help="What is lost stays lost: the log never signs again.")] = False,
    successor: Annotated[
        str | None, typer.Option(help="With --end: the origin of the log that continues this one.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --end: do not ask.")] = False,
    database: Annotated[str | None, typer.Option(help="SQLAlchemy URL, if `serve` has one.")] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Bring back signed entries or the signing journal, or end a log. Exit status: 0 it writes again, 1 it does not, 2 usage."""
    from registry.founding import FoundingError
    from registry.recovery import Recovery, RecoveryError

    if not (from_ or known or end) or (end and from_):
        fail(USAGE, "give --from, --known, or --end", "请给出 --from、--known 或 --end", lang)
    if not data.is_dir():
        fail(USAGE, f"{data} is no folder", f"{data} 不是文件夹", lang)
    keys, kept = read_keys(key), read_known(known or [])
    try:
        recovery = Recovery(data, database)
        try:
            if end:
                _end(recovery, data, kept, keys, successor, lang, is_sure=yes)
                return
            state = _recover(recovery, from_, kept, keys, lang)
        finally:
            recovery.close()
    except (RecoveryError, FoundingError) as error:
        fail(BROKEN, f"not recovered: {error.words.en}", f"未恢复：{error.words.zh}", lang)
    except LedgerError as error:
        fail(BROKEN, f"not recovered: {error}", f"未恢复：{error}", lang)
    _print(state, lang, as_json=as_json)
    raise typer.Exit(HOLDS if state.is_whole else BROKEN)


@contextmanager
def _source(place: str, lang: str | None) -> Iterator[LogSource]:
    if place.startswith(("http://", "https://")):
        with UrlSource(place) as source:
            yield source
    elif Path(place).is_dir():
        yield DirectorySource(Path(place))
    else:
        fail(USAGE, f"{place} is neither a URL nor a folder", f"{place} 既不是网址也不是文件夹", lang)


def _recover(
    recovery: "Recovery", place: str | None, kept: list[Known], keys: list[VerifierKey], lang: str | None
) -> "Recovered":
    """Entries first, so that what was kept can be compared with them."""
    import msgspec

    state = None
    if place:
        title = "恢复" if language(lang) == "zh" else "recovering"
        with _source(place, lang) as source, progress(title, None, "entries") as on_progress:
            state = recovery.fetch(source, keys, on_progress)
    if kept:
        after = recovery.accept(kept, keys)
        state = msgspec.structs.replace(after, added=state.added) if state else after
    assert state is not None
    return state


def _end(
    recovery: "Recovery", data: Path, kept: list[Known], keys: list[VerifierKey], successor: str | None,
    lang: str | None, *, is_sure: bool,
) -> None:  # fmt: skip
    from registry.clock import SystemClock
    from registry.succession import format_continues

    if not is_sure:
        asked = (
            "本账本将永不再签署，确定吗？" if language(lang) == "zh" else "The log will never sign again. Are you sure?"
        )
        typer.confirm(asked, abort=True, err=True)
    continues = recovery.end(SystemClock().now(), kept, keys, successor)
    path = data / CONTINUES_NAME
    write_private(path, format_continues(continues))
    say(
        f"ended: {continues.recovered_size} signed entries are still here, {continues.lost} are lost. Found the successor "
        f"with `sanquan serve --data NEW --origin OTHER --continues {path}`",
        f"已终结：已签署的分录尚存 {continues.recovered_size} 条，丢失 {continues.lost} 条。请以 "
        f"`sanquan serve --data NEW --origin OTHER --continues {path}` 开立后继账本",
        lang,
    )


def _print(state: "Recovered", lang: str | None, *, as_json: bool) -> None:
    import msgspec

    if as_json:
        print_json(msgspec.to_builtins(state) | {"whole": state.is_whole})
    else:
        say(
            f"{state.added} entries recovered, {state.size} in all, {state.signed_again} checkpoints signed again",
            f"取回 {state.added} 条分录，共 {state.size} 条；重新签署 {state.signed_again} 个检查点",
            lang,
        )
    if state.added:
        warn(
            "  not recovered: disclosures, documents, drafts, tokens and keys in custody; they stand beside the ledger",
            "  未恢复：披露值、文件、草稿、令牌与托管密钥；它们不在账本之中",
            lang,
        )
    if state.missing:
        warn(
            f"  {state.missing} signed entries are still missing: the registry stays read-only",
            f"  仍缺 {state.missing} 条已签署的分录：登记系统保持只读",
            lang,
        )
    if state.needs_known:
        warn(
            "  the journal is empty: give --known with the newest checkpoint or receipt that anybody has",
            "  签署日志为空：请以 --known 给出现存最新的检查点或回执",
            lang,
        )


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command()(recover)
