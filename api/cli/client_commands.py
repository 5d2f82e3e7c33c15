"""`sanquan keys party asset grant check act`: the client. Options answer everything; nothing is asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.output import BROKEN, USAGE, fail, language, print_json, say, warn
from api.client import (
    Client,
    ClientError,
    ProblemError,
    Profile,
    ProfileError,
    Receipt,
    TransportError,
    TrustError,
)
from api.client.profile import default_folder
from ledger.encoding import format_base64url
from ledger.identifiers import key_identifier
from registry.refusals.catalogue import entry

UrlOption = Annotated[str, typer.Option(envvar="SANQUAN_URL", help="The registry.")]
ProfileOption = Annotated[Path | None, typer.Option("--profile", help="Folder of keys (~/.config/sanquan).")]
NameOption = Annotated[str | None, typer.Option("--name", help="Makes and registers the profile on first use.")]
JsonOption = Annotated[bool, typer.Option("--json", help="The answer for machines.")]
LangOption = Annotated[str | None, typer.Option("--lang", help="zh or en.")]
SearchOption = Annotated[str | None, typer.Option(help="Words that must all be there; Chinese from two characters on.")]
DEFAULT_URL = "http://127.0.0.1:8000"

keys_app = typer.Typer(help="Keys of a profile.", no_args_is_help=True)
party_app = typer.Typer(help="Parties.", no_args_is_help=True)
asset_app = typer.Typer(help="Data assets.", no_args_is_help=True)


def open_profile(folder: Path | None, name: str | None, lang: str | None = None) -> Profile:
    """The profile; the command ends with words if there is none."""
    try:
        return Profile.open(folder, name=name)
    except ProfileError as error:
        fail(USAGE, str(error), f"{folder or default_folder()} 中没有可用的密钥；新建请以 --name 给出名称", lang)


def profile_of_key(key: Path, lang: str | None) -> Profile:
    """The profile of a key file; the command ends with words if it is none."""
    try:
        return Profile.of_key(key)
    except ProfileError as error:
        fail(USAGE, f"--key: {error}", f"--key：{key} 不是可用的私钥文件", lang)


def reading_profile(folder: Path | None) -> Profile | None:
    """The profile, if there is one: a members' register shows itself only to whoever says who asks."""
    try:
        return Profile.open(folder)
    except ProfileError:
        return None


@contextmanager
def open_client(
    url: str, profile: Profile | None, lang: str | None = None, *, refusal: int = BROKEN
) -> Iterator[Client]:
    """A client; refusals and lost connections end the command with words. `refusal`: the exit status of a refusal."""
    try:
        with Client(url, profile, language=language(lang)) as client:
            yield client
    except ProblemError as problem:
        for reason in problem.reasons or [{"message": str(problem)}]:
            place = f" [{reason['pointer']}]" if "pointer" in reason else ""
            article = f" ({reason['article']})" if "article" in reason else ""
            fail_line = f"{reason.get('code', problem.code)}{place}{article}: {reason['message']}"
            warn(fail_line, fail_line, lang)
        title = entry(problem.code).title
        fail(refusal, f"refused: {title.en} ({problem.code})", f"未受理：{title.zh}（{problem.code}）", lang)
    except ClientError as error:
        fail(USAGE, str(error), _zh_of(error, url), lang)


def _zh_of(error: ClientError, url: str) -> str:
    """What went wrong in Chinese; what contradicts is named in the words of the SDK, for whoever looks into it."""
    match error:
        case TransportError():
            return f"无法连接登记系统 {url}，或其答复无法读取"
        case TrustError():
            return f"{url} 出示的公钥、历史或回执与应有的不符；请保留现有材料并联系登记机构。技术细节：{error}"
        case _:
            return f"无法以此密钥向 {url} 提交"


def print_receipt(receipt: Receipt, *, as_json: bool, lang: str | None) -> None:
    """A receipt, short or whole."""
    if as_json:
        print_json(dict(receipt.facts))
        return
    say(f"recorded as entry {receipt.seq}; receipt verified", f"已记为分录 {receipt.seq}；回执验证通过", lang)
    for made in receipt.facts["ids"]:
        say(f"  {made['id']} {made.get('kind', '')}".rstrip(), f"  {made['id']} {made.get('kind', '')}".rstrip(), lang)
    for code in receipt.warnings:
        words = entry(code).title
        say(f"  warning {code}: {words.en}", f"  提示 {code}：{words.zh}", lang)


def read_json(path: Path, lang: str | None) -> dict[str, Any]:
    """The JSON object in a file; the command ends with words if there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fail(USAGE, f"{path}: {error}", f"{path}：无法读取，或不是 JSON", lang)
    if not isinstance(value, dict):
        fail(USAGE, f"{path}: not a JSON object", f"{path}：不是 JSON 对象", lang)
    return value


@keys_app.command("new")
def keys_new(name: NameOption = None, profile: ProfileOption = None, lang: LangOption = None) -> None:
    """Make a profile with a new key; shows the party that the key names."""
    _show(open_profile(profile, name, lang))


@keys_app.command("show")
def keys_show(profile: ProfileOption = None, lang: LangOption = None) -> None:
    """Show the profile's party and key."""
    _show(open_profile(profile, None, lang))


def _show(profile: Profile) -> None:
    print_json(
        {
            "name": profile.name,
            "party": profile.party_id,
            "key": key_identifier(profile.signer.public),
            "alg": profile.signer.algorithm.value,
            "public": format_base64url(profile.signer.public),
        }
    )


@party_app.command("register")
def party_register(
    url: UrlOption = DEFAULT_URL, name: NameOption = None, profile: ProfileOption = None,
    kind: Annotated[str, typer.Option(help="legal_person, unincorporated")] = "legal_person",
    uscc: Annotated[str | None, typer.Option(help="Unified social credit code.")] = None,
    as_json: JsonOption = False, lang: LangOption = None,
) -> None:  # fmt: skip
    """Register the profile's party with its key."""
    details = {"identifier": {"scheme": "uscc", "value": uscc}} if uscc else {}
    with open_client(url, open_profile(profile, name, lang), lang) as client:
        print_receipt(client.register_party(kind, **details), as_json=as_json, lang=lang)


@party_app.command("show")
def party_show(
    party: str, url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, lang: LangOption = None
) -> None:
    """Show a party."""
    with open_client(url, reading_profile(profile), lang) as client:
        print_json(client.party(party))


@party_app.command("list")
def party_list(
    url: UrlOption = DEFAULT_URL, search: SearchOption = None, profile: ProfileOption = None, lang: LangOption = None
) -> None:
    """List parties, a JSON object a line."""
    with open_client(url, reading_profile(profile), lang) as client:
        for item in client.parties(q=search):
            typer.echo(json.dumps(item, ensure_ascii=False))


@asset_app.command("register")
def asset_register(
    file: Annotated[Path, typer.Argument(help="A case.file body, or a form with --basis.", exists=True)],
    url: UrlOption = DEFAULT_URL, name: NameOption = None, profile: ProfileOption = None,
    basis: Annotated[str | None, typer.Option(help="own_operation, utility …: the file is then the form alone.")] = None,
    as_json: JsonOption = False, lang: LangOption = None,
) -> None:  # fmt: skip
    """File a first registration."""
    body = read_json(file, lang)
    with open_client(url, open_profile(profile, name, lang), lang) as client:
        client.ensure_registered()
        if basis:
            source = {"origin": "generated", "basis": basis, "facts": {}}
            claim = {"party": client.party_id, "rights": ["holding", "processing", "operating"]}
            body = {"kind": "initial", "asset": body, "sources": [source], "claims": [claim]}
        print_receipt(client.act("case.file", body), as_json=as_json, lang=lang)


@asset_app.command("show")
def asset_show(
    asset: str, url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, lang: LangOption = None
) -> None:
    """Show an asset with its rights."""
    with open_client(url, reading_profile(profile), lang) as client:
        print_json(client.asset(asset))


@asset_app.command("list")
def asset_list(
    url: UrlOption = DEFAULT_URL, search: SearchOption = None, holder: str | None = None,
    identifier: str | None = None, profile: ProfileOption = None, lang: LangOption = None,
) -> None:  # fmt: skip
    """List assets, a JSON object a line."""
    with open_client(url, reading_profile(profile), lang) as client:
        for item in client.assets(q=search, holder=holder, identifier=identifier):
            typer.echo(json.dumps(item, ensure_ascii=False))


def grant(
    right: Annotated[str, typer.Argument(help="The operating right that is granted from.")],
    to: Annotated[str, typer.Argument(help="The party that gets the right.")],
    purpose: Annotated[list[str], typer.Option(help="A purpose; may be repeated.")],
    until: Annotated[str, typer.Option(help="End of the term, RFC 3339, or `open`.")],
    territory: Annotated[list[str] | None, typer.Option(help="CN, CN-SD …")] = None,
    field: Annotated[list[str] | None, typer.Option(help="A field; may be repeated.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="processing …; may be repeated.")] = None,
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, as_json: JsonOption = False, lang: LangOption = None,
) -> None:  # fmt: skip
    """License a right."""
    scope = {
        "purposes": purpose, "territory": territory or ["*"], "fields": field or ["*"],
        "until": None if until == "open" else until,
    }  # fmt: skip
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        print_receipt(client.grant(right, to, kind or ["processing"], scope), as_json=as_json, lang=lang)


def check(
    party: Annotated[str, typer.Argument(help="Who asks to use it: pty_…")],
    asset: Annotated[str, typer.Argument(help="What: ast_…")],
    purpose: Annotated[str, typer.Argument(help="For what: research, insurance, x.…")],
    action: Annotated[str | None, typer.Option(help="store, process, license …; follows from --right.")] = None,
    right: Annotated[str | None, typer.Option(help="holding, processing, operating; follows from --action.")] = None,
    territory: Annotated[list[str] | None, typer.Option(help="CN, CN-SD …; absent: all. May be repeated.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="A field; absent: all. May be repeated.")] = None,
    at: Annotated[str | None, typer.Option(help="An instant, RFC 3339; now.")] = None,
    size: Annotated[int | None, typer.Option(help="A size of the ledger; the newest.")] = None,
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, as_json: JsonOption = False, lang: LangOption = None,
) -> None:  # fmt: skip
    """May PARTY use ASSET for PURPOSE? Exit status: 0 allowed, 1 denied, 2 no answer: usage, refused, no connection."""
    with open_client(url, reading_profile(profile), lang, refusal=USAGE) as client:
        answer = client.check(
            party, asset, purpose, action=action, right=right, territory=territory, fields=field, at=at, size=size
        )
    if as_json:
        print_json(answer)
    else:
        say(answer["status"], answer["status"], lang)
        for reason in answer["reasons"]:
            say(f"  {reason['code']}: {reason['message']}", f"  {reason['code']}：{reason['message']}", lang)
        for link in answer["chain"]:
            say(f"  via {link['right']} of {link['holder']}", f"  经由 {link['holder']} 的 {link['right']}", lang)
    raise typer.Exit(0 if answer["decision"] else BROKEN)


def act(
    name: Annotated[str, typer.Argument(metavar="ACT", help="party.verify, role.grant, rulebook.adopt …")],
    body: Annotated[Path, typer.Argument(help="The body as JSON.", exists=True, dir_okay=False)],
    key: Annotated[Path, typer.Option(help="Private key (PEM), such as DIR/keys/registrar.pem.", exists=True)],
    principal: Annotated[str | None, typer.Option("--for", help="The party whose act it is, if you act for it.")] = None,
    confidential: Annotated[
        list[str] | None, typer.Option(help="Pointer to a member that goes onto the ledger as a digest; may be repeated.")
    ] = None,
    adding: Annotated[
        list[Path] | None, typer.Option(help="A private key (PEM) that the act adds, as its proof; may be repeated.", exists=True)
    ] = None,
    url: UrlOption = DEFAULT_URL, as_json: JsonOption = False, lang: LangOption = None,
) -> None:  # fmt: skip
    """Sign and send any act with a key; how the registrar verifies parties, gives roles, adopts rulebooks."""
    profile, facts = profile_of_key(key, lang), read_json(body, lang)
    added = [profile_of_key(path, lang).signer for path in adding or ()]
    with open_client(url, profile, lang) as client:
        receipt = client.act(name, facts, adding=added, for_=principal, confidential=confidential or ())
        print_receipt(receipt, as_json=as_json, lang=lang)


def install(app: typer.Typer) -> None:
    """The commands are there."""
    app.add_typer(keys_app, name="keys")
    app.add_typer(party_app, name="party")
    app.add_typer(asset_app, name="asset")
    app.command()(grant)
    app.command()(check)
    app.command()(act)
