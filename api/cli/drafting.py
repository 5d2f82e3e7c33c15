"""`sanquan draft`, `sanquan document`: statements that several sign, and the files that statements cite."""

import mimetypes
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client_commands import (
    DEFAULT_URL,
    JsonOption,
    LangOption,
    ProfileOption,
    UrlOption,
    open_client,
    open_profile,
    print_receipt,
    profile_of_key,
    read_json,
)
from api.cli.output import USAGE, fail, print_json, say
from api.client import Draft, Receipt
from ledger.instants import format_instant
from registry.documents.media import EXTENSIONS, OCTETS

draft_app = typer.Typer(help="Statements that several sign, one after the other.", no_args_is_help=True)
document_app = typer.Typer(help="Files that statements cite by their digest.", no_args_is_help=True)
_MEDIA_TYPES = {extension: media_type for media_type, extension in reversed(EXTENSIONS.items())}


@draft_app.command("new")
def draft_new(
    name: Annotated[str, typer.Argument(metavar="ACT", help="right.grant, case.file, key.add …")],
    body: Annotated[Path, typer.Argument(help="The body as JSON.", exists=True, dir_okay=False)],
    joining: Annotated[list[str] | None, typer.Option("--with", help="A party that signs too; may be repeated.")] = None,
    principal: Annotated[str | None, typer.Option("--for", help="The party for whom you act.")] = None,
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, as_json: JsonOption = False, lang: LangOption = None,
) -> None:  # fmt: skip
    """Sign a statement and leave it for the others to sign; it is submitted by itself when all have."""
    facts = read_json(body, lang)
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        _tell(client.draft(name, facts, with_=joining or (), for_=principal), as_json=as_json, lang=lang)


@draft_app.command("list")
def draft_list(
    mine: Annotated[bool, typer.Option("--waiting-for-me", help="Only those that you have to sign.")] = False,
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, as_json: JsonOption = False, lang: LangOption = None,
) -> None:  # fmt: skip
    """List the drafts in which you take part, oldest first."""
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        found = list(client.drafts(waiting_for_me=mine))
    if as_json:
        print_json([dict(draft.facts) for draft in found])
        return
    for draft in found:
        waiting = ", ".join(draft.waiting)
        until = draft.facts["expires"]
        say(
            f"{draft.id}  {draft.statement.act}  until {until}  waiting for {waiting}",
            f"{draft.id}  {draft.statement.act}  {until} 到期  等待 {waiting}",
            lang,
        )


@draft_app.command("show")
def draft_show(
    draft: Annotated[str, typer.Argument(help="The draft, as `draft list` names it.")],
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, lang: LangOption = None,
) -> None:  # fmt: skip
    """Show what a draft says, decoded from the bytes that are signed."""
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        found = client.read_draft(draft)
    print_json(_decoded(found))


@draft_app.command("sign")
def draft_sign(
    draft: Annotated[str, typer.Argument(help="The draft, as `draft list` names it.")],
    key: Annotated[Path | None, typer.Option(help="Another private key (PEM), such as the one that is added.")] = None,
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, as_json: JsonOption = False, lang: LangOption = None,
) -> None:  # fmt: skip
    """Sign a draft; look at it with `draft show` first."""
    signer = profile_of_key(key, lang).signer if key else None
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        _tell(client.sign_draft(draft, signer=signer), as_json=as_json, lang=lang)


@draft_app.command("withdraw")
def draft_withdraw(
    draft: Annotated[str, typer.Argument(help="The draft, as `draft list` names it.")],
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, lang: LangOption = None,
) -> None:  # fmt: skip
    """Withdraw a draft that you wrote or opened."""
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        client.withdraw_draft(draft)
    say(f"withdrawn: {draft}", f"已撤回：{draft}", lang)


@document_app.command("send")
def document_send(
    file: Annotated[Path, typer.Argument(help="The file.", exists=True, dir_okay=False)],
    media_type: Annotated[str | None, typer.Option("--type", help="Its media type; by its name.")] = None,
    key: Annotated[Path | None, typer.Option(help="Private key (PEM), such as DIR/keys/registrar.pem.")] = None,
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, lang: LangOption = None,
) -> None:  # fmt: skip
    """Send a file and show the digest by which statements cite it."""
    kind = media_type or _MEDIA_TYPES.get(file.suffix.lstrip(".").lower()) or _guessed(file)
    sender = profile_of_key(key, lang) if key else open_profile(profile, None, lang)
    with open_client(url, sender, lang) as client:
        digest = client.send_document(file.read_bytes(), kind)
    say(digest, digest, lang)


@document_app.command("get")
def document_get(
    sha256: Annotated[str, typer.Argument(help="The digest of the document.")],
    purpose: Annotated[str, typer.Option(help="What you read it for; it is logged.")],
    output: Annotated[Path, typer.Option(help="Where it is written; nothing may be there.")],
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, lang: LangOption = None,
) -> None:  # fmt: skip
    """Read a document that concerns you."""
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        data = client.document(sha256, purpose)
    try:
        with output.open("xb") as file:
            file.write(data)
    except OSError as error:
        fail(USAGE, f"{output}: {error}", f"{output}：无法写入，或已有同名文件", lang)
    say(f"{len(data)} bytes in {output}", f"{len(data)} 字节，已存为 {output}", lang)


def _guessed(file: Path) -> str:
    found, _ = mimetypes.guess_type(file.name)
    return found if found in EXTENSIONS else OCTETS


def _tell(result: Draft | Receipt, *, as_json: bool, lang: str | None) -> None:
    if isinstance(result, Receipt):
        print_receipt(result, as_json=as_json, lang=lang)
        return
    if as_json:
        print_json(dict(result.facts))
        return
    waiting, until = ", ".join(result.waiting), result.facts["expires"]
    say(f"draft {result.id}", f"草稿 {result.id}", lang)
    say(f"  waiting for {waiting} until {until}", f"  等待 {waiting} 签署，{until} 到期", lang)
    for name, en, zh in (("foreseen", "would be refused now", "按现状将不予受理"), ("refused", "refused", "未受理")):
        if (why := result.facts.get(name)) is not None:
            say(f"  {en}: {why['code']}: {why['detail']}", f"  {zh}：{why['code']}：{why['detail']}", lang)


def _decoded(draft: Draft) -> dict[str, Any]:
    statement = draft.statement
    shown = {name: value for name, value in draft.facts.items() if name not in ("envelope", "disclosures")}
    shown |= {"at": format_instant(statement.at), "expect": dict(statement.expect), "body": dict(statement.body)}
    return shown | ({"disclosed": draft.disclosed} if draft.disclosed else {})


def install(app: typer.Typer) -> None:
    """The commands are there."""
    app.add_typer(draft_app, name="draft")
    app.add_typer(document_app, name="document")
