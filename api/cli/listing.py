"""`sanquan list`: any list of the register, as lines of JSON, as CSV or as a workbook."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.cli.client_commands import DEFAULT_URL, LangOption, ProfileOption, UrlOption, open_client, reading_profile
from api.cli.output import USAGE, fail, say
from api.exporting.columns import EXPORTS
from api.exporting.files import SUFFIXES

_MEDIA_TYPES = {suffix: media_type for media_type, suffix in SUFFIXES.items()}


def list_command(
    what: Annotated[str, typer.Argument(help="assets, rights, cases, parties, entries.")],
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="NAME=VALUE, as the route knows it, like holder=pty_…; may be repeated."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="A file, .csv or .xlsx, instead of lines of JSON.")] = None,
    url: UrlOption = DEFAULT_URL,
    profile: ProfileOption = None,
    lang: LangOption = None,
) -> None:
    """List the register, a JSON object a line, or whole as CSV or a workbook."""
    if what not in EXPORTS:
        fail(USAGE, f"there are lists of {', '.join(EXPORTS)}", f"可列出的内容为 {'、'.join(EXPORTS)}", lang)
    wanted: dict[str, list[str]] = {}
    for text in filters or ():
        name, equals, value = text.partition("=")
        if not equals:
            fail(USAGE, "--filter is written NAME=VALUE", "--filter 应写作 名称=值", lang)
        wanted.setdefault(name, []).append(value)
    media_type = _MEDIA_TYPES.get(output.suffix.lower()) if output else None
    if output and media_type is None:
        fail(USAGE, "--output is a .csv or .xlsx file", "--output 应为 .csv 或 .xlsx 文件", lang)
    with open_client(url, reading_profile(profile), lang) as client:
        if output is None or media_type is None:
            for item in getattr(client, what)(**wanted):
                typer.echo(json.dumps(item, ensure_ascii=False))
            return
        data = client.export(what, media_type, **wanted)
    try:
        output.write_bytes(data)
    except OSError as error:
        fail(USAGE, f"{output} cannot be written: {error.strerror}", f"{output} 无法写入", lang)
    say(f"written: {output}", f"已写入：{output}", lang)


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command("list")(list_command)
