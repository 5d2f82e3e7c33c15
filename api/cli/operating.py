"""`sanquan export`, `register rebuild`, `law add`: what an operator does with the data folder at hand."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import BROKEN, USAGE, fail, language, progress, say
from ledger.errors import EntryRejected, LedgerError
from ledger.export import export_log

DataOption = Annotated[Path, typer.Option(help="The data folder.")]
_DEFAULT = Path("sanquan-data")
register_app = typer.Typer(help="The register's tables: a cache of what the entries add up to.", no_args_is_help=True)
law_app = typer.Typer(help="Rulebooks.", no_args_is_help=True)


def _must_be_data(data: Path) -> None:
    from registry.auditing import DATABASE_NAME, is_data_folder

    if not is_data_folder(data):
        fail(
            USAGE,
            f"{data} is no data folder: there is no {DATABASE_NAME}",
            f"{data} 不是数据文件夹：缺少 {DATABASE_NAME}",
        )


def export(
    directory: Annotated[Path, typer.Argument(help="Where the tree is written; a second export only adds.")],
    data: DataOption = _DEFAULT,
    verify: Annotated[bool, typer.Option("--verify", help="Compare every file that is there already.")] = False,
) -> None:
    """Write the log as static files (tlog-tiles) that any web server can serve and anyone can audit."""
    from registry.auditing import RULEBOOK_PATH, open_subject, published_note
    from registry.store.loading import load_registry

    _must_be_data(data)
    title = "导出" if language() == "zh" else "exporting"
    try:
        with open_subject(data) as subject, progress(title, None, "entries") as on_progress:
            assert subject.register is not None
            registry = load_registry(subject.register)
            documents = {}
            for adoption in registry.rulebooks if registry else ():
                path = RULEBOOK_PATH + adoption.sha256
                if (found := subject.source.document(path)) is not None:
                    documents[path] = found
            report = export_log(
                subject.source,
                directory,
                documents,
                on_progress,
                note=published_note(subject.register),
                verifies=verify,
            )
    except LedgerError as error:
        fail(BROKEN, f"not exported: {error}", f"未导出：{error}")
    say(
        f"{report.size} entries, {report.files_written} files written",
        f"{report.size} 条分录，写入 {report.files_written} 个文件",
    )


@register_app.command("rebuild")
def register_rebuild(data: DataOption = _DEFAULT) -> None:
    """Empty the register's tables and refill them from the entries."""
    from registry.auditing import rebuild

    _must_be_data(data)
    title = "重建" if language() == "zh" else "rebuilding"
    try:
        with progress(title, None, "entries") as on_progress:
            size = rebuild(data, on_progress)
    except EntryRejected as error:
        fail(
            BROKEN,
            f"nothing changed; entry {error.position}: {error.words_en}",
            f"未作改动；分录 {error.position}：{error.words_zh}",
        )
    say(f"rebuilt from {size} entries", f"已由 {size} 条分录重建")


@law_app.command("test")
def law_test(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Run the test cases inside a rulebook. Exit status: 0 all pass, 1 some fail, 2 not a rulebook."""
    from registry.law.cases import failed_cases
    from registry.law.errors import LawError
    from registry.law.rulebook import parse_rulebook

    try:
        book = parse_rulebook(file.read_bytes())
    except LawError as error:
        fail(USAGE, str(error), f"不是规则簿：{error}")
    failures = failed_cases(book)
    for failure in failures:
        say(failure, failure)
    if failures:
        raise typer.Exit(BROKEN)
    say(
        f"{book.id} {book.version}: all cases pass; sha256 {book.sha256}",
        f"{book.id} {book.version}：用例全部通过；sha256 {book.sha256}",
    )


@law_app.command("add")
def law_add(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], data: DataOption = _DEFAULT) -> None:
    """Put a rulebook among the documents, so that the registrar may adopt it (`rulebook.adopt`)."""
    from registry.documents.folder import Documents
    from registry.law.cases import failed_cases
    from registry.law.errors import LawError
    from registry.law.rulebook import parse_rulebook

    _must_be_data(data)
    try:
        book = parse_rulebook(file.read_bytes())
    except LawError as error:
        fail(USAGE, str(error), f"不是规则簿：{error}")
    if failures := failed_cases(book):
        fail(BROKEN, "its own cases fail: " + "; ".join(failures), "其自带用例未通过：" + "；".join(failures))
    Documents(data / "documents").put(book.data)
    say(f"{book.id} {book.version} {book.sha256}", f"{book.id} {book.version} {book.sha256}")


def install(app: typer.Typer) -> None:
    """The commands are there."""
    app.command()(export)
    app.add_typer(register_app, name="register")
    app.add_typer(law_app, name="law")
