"""The command `sanquan`. Contract section 10."""

import typer

from api.cli import (
    auditing,
    client_commands,
    demo,
    drafting,
    evidence,
    importing,
    key_rotation,
    listing,
    operating,
    private_commands,
    recovering,
    serving,
    sheets,
    verifying,
    witness,
)

app = typer.Typer(
    name="sanquan",
    help="三权 Sanquan: an open register of data rights on a ledger that anyone can verify.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (
    demo,
    serving,
    client_commands,
    private_commands,
    drafting,
    listing,
    sheets,
    importing,
    evidence,
    auditing,
    verifying,
    operating,
    key_rotation,
    recovering,
    witness,
):
    module.install(app)
