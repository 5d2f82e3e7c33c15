"""`sanquan token …`, `sanquan disclosure …`, `sanquan accesses`: what is a party's own, off the ledger."""

from typing import Annotated

import typer

from api.cli.client_commands import DEFAULT_URL, LangOption, ProfileOption, UrlOption, open_client, open_profile
from api.cli.output import print_json, say

token_app = typer.Typer(help="Bearer tokens of the profile's party.", no_args_is_help=True)
disclosure_app = typer.Typer(help="Confidential values beside the ledger.", no_args_is_help=True)


@token_app.command("new")
def token_new(
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None,
    scope: Annotated[list[str] | None, typer.Option(help="read, tokens, act, act:right.grant, act:right.*; may be repeated.")] = None,
    label: Annotated[str | None, typer.Option(help="What the token is for.")] = None,
    expires: Annotated[str | None, typer.Option(help="An instant, RFC 3339; in 90 days.")] = None,
    lang: LangOption = None,
) -> None:  # fmt: skip
    """Make a bearer token; it is shown this once."""
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        print_json(dict(client.make_token(scopes=scope, name=label, expires=expires)))


@token_app.command("list")
def token_list(url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, lang: LangOption = None) -> None:
    """List the party's tokens, without their secrets."""
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        print_json([dict(token) for token in client.tokens()])


@token_app.command("revoke")
def token_revoke(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, lang: LangOption = None,
) -> None:  # fmt: skip
    """Revoke a token."""
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        client.revoke_token(identifier)
    say(f"token {identifier} does not count any more", f"令牌 {identifier} 已撤销", lang)


@disclosure_app.command("show")
def disclosure_show(
    digest: Annotated[str, typer.Argument(help="The digest that stands on the ledger (`sd`).")],
    purpose: Annotated[str, typer.Option(help="What it is read for; logged and shown to those concerned.")],
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, lang: LangOption = None,
) -> None:  # fmt: skip
    """Show the plain value behind a digest, if the profile's party may read it."""
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        print_json(dict(client.disclosure(digest, purpose)))


def accesses(url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, lang: LangOption = None) -> None:
    """Show who read what concerns the profile's party, when and for what purpose."""
    with open_client(url, open_profile(profile, None, lang), lang) as client:
        print_json([dict(access) for access in client.accesses()])


def install(app: typer.Typer) -> None:
    """The commands are there."""
    app.command()(accesses)
    app.add_typer(token_app, name="token")
    app.add_typer(disclosure_app, name="disclosure")
