"""`sanquan witness serve` and `sanquan witness evidence`: cosign other logs, and show who contradicted itself.

Contract section 10.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from api.cli.output import BROKEN, USAGE, fail, print_json, say, warn
from api.cli.serving import configure_logging, listen
from ledger.errors import LedgerError
from ledger.note import VerifierKey, format_verifier_key, parse_verifier_key
from ledger.witness.errors import WitnessStartError
from ledger.witness.folder import STORE_NAME, Opened, is_witness_folder, open_witness
from ledger.witness.protocol import origin_path
from ledger.witness.store import Contradiction, Kind, WitnessStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

witness_app = typer.Typer(
    help="A witness: cosigns the checkpoints of other logs, so that none shows two histories.", no_args_is_help=True
)
DataOption = Annotated[Path, typer.Option(help="The witness's folder.")]
_DEFAULT = Path("sanquan-witness")


def read_log_keys(options: "Sequence[str]") -> list[VerifierKey]:
    """The keys of `--log`, each one a verifier key or a file of them; blank lines and `#` lines are passed over."""
    found = []
    for option in options:
        try:
            found.append(parse_verifier_key(option))
        except LedgerError as error:
            found += _read_keys(option, str(error))
    return found


def _read_keys(place: str, why: str) -> list[VerifierKey]:
    try:
        lines = [line.strip() for line in Path(place).read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        _fail_on_key(place, why)
    found = []
    for line in lines:
        if line and not line.startswith("#"):
            try:
                found.append(parse_verifier_key(line))
            except LedgerError as error:
                _fail_on_key(line, str(error))
    return found


def _fail_on_key(text: str, why: str) -> NoReturn:
    fail(
        USAGE,
        f"--log takes verifier keys or files of them; {text} is neither: {why}",
        f"--log 须为校验公钥或公钥文件；{text} 两者都不是",
    )


def _open(
    data: Path, name: str | None, keys: "Sequence[VerifierKey]", report: "Callable[[Contradiction], None]"
) -> Opened:
    try:
        return open_witness(data, name, keys, on_contradiction=report)
    except WitnessStartError as error:
        fail(USAGE, f"cannot start: {error.words_en}", f"无法启动：{error.words_zh}")
    except (LedgerError, OSError) as error:
        fail(USAGE, f"cannot start: {error}", f"无法启动：{data} 不可用")


@witness_app.command("serve")
def serve(
    data: DataOption = _DEFAULT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8010,
    name: Annotated[str | None, typer.Option(help="Name of the witness; at the first start, and for ever.")] = None,
    log: Annotated[
        list[str] | None,
        typer.Option(help="Verifier key of a log to cosign, or a file of them; may be repeated. Remembered."),
    ] = None,
) -> None:
    """Cosign checkpoints of the logs whose keys are given, each only if it continues what was cosigned before."""
    keys = read_log_keys(log or [])
    configure_logging()
    listener = listen(host, port)
    from api.witnessing.app import create_witness_app, report

    opened = _open(data, name, keys, report)
    try:
        import uvicorn

        from api.guards import http_protocol

        app = create_witness_app(opened.witness)
        _greet(opened, host, listener.getsockname()[1])
        config = uvicorn.Config(
            app, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=10,
            http=http_protocol(app.state.settings.head_timeout), ws="none",
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
        opened.witness.close()


def _greet(opened: Opened, host: str, port: int) -> None:
    witness = opened.witness
    place = f"{witness.name}  http://{f'[{host}]' if ':' in host else host}:{port}/"
    warn(f"sanquan witness: {place}", f"三权见证人：{place}")
    for key in opened.added:
        text = format_verifier_key(key)
        warn(f"  from now on also this key of {text}", f"  自此也认此公钥：{text}")
    for origin in opened.logs:
        warn(f"  cosigns {origin}", f"  为其联署：{origin}")
    if not opened.logs:
        warn("  knows no log yet: start it with --log VKEY", "  尚不认识任何账本：请以 --log VKEY 启动")
    text = format_verifier_key(witness.key)
    warn(f"  its key: {text}", f"  见证人公钥：{text}")


@witness_app.command("evidence")
def evidence(
    data: DataOption = _DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="The answer for machines.")] = False,
) -> None:
    """Show what logs signed and contradicted themselves by. Exit status: 0 nothing convicts a log, 1 something does."""
    found = _kept(data)
    if as_json:
        from api.witnessing.answers import contradiction_members

        print_json({
            "logs": [
                {"origin": origin, "path": origin_path(origin), "contradictions": list(map(contradiction_members, kept))}
                for origin, kept in found.items()
            ]
        })  # fmt: skip
    else:
        for origin, kept in found.items():
            say(f"{origin}: contradictions kept: {len(kept)}", f"{origin}：所存矛盾 {len(kept)} 处")
            for each in kept:
                _show(each)
    if any(each.kind is Kind.TWO_ROOTS for kept in found.values() for each in kept):
        raise typer.Exit(BROKEN)


def _kept(data: Path) -> dict[str, list[Contradiction]]:
    if not is_witness_folder(data):
        fail(
            USAGE,
            f"{data} is no witness's folder: there is no {STORE_NAME}",
            f"{data} 不是见证人文件夹：缺少 {STORE_NAME}",
        )
    try:
        store = WitnessStore(data / STORE_NAME)
        try:
            with store.reading() as records:
                return {origin: records.contradictions(origin) for origin, _ in records.log_keys()}
        finally:
            store.close()
    except LedgerError as error:
        fail(USAGE, str(error), f"无法读取 {data / STORE_NAME}")


def _show(found: Contradiction) -> None:
    from api.witnessing.answers import contradiction_members

    when = contradiction_members(found)["received"]
    if found.kind is Kind.TWO_ROOTS:
        say(f"\nTWO ROOTS for size {found.size}, received {when}\n", f"\n同一大小 {found.size} 有两个根，收于 {when}\n")
    else:
        say(
            f"\nNOT PROVEN to continue the first note: size {found.size}, received {when}\n",
            f"\n未证明是前一检查点的延续：大小 {found.size}，收于 {when}\n",
        )
    for note in (found.known, found.note):
        if note is not None:
            say(note, note)


def install(app: typer.Typer) -> None:
    """The commands are there."""
    app.add_typer(witness_app, name="witness")
