"""How a job's rows reach the register: by the front desk, with the party's key in custody, as `POST /v1/assets` does."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from api.importing.model import Body
from ledger.instants import parse_instant
from registry.desk.requests import ActRequest
from registry.desk.tokens import Token
from registry.refusals.refusal import refused
from registry.registry import Registry
from registry.writer import Answer

Identifier = tuple[str, str]
_PAGE = 1_000


class Held(NamedTuple):
    """An asset that the register holds under an identifier."""

    asset: str
    recorded: datetime


class Filer(Protocol):
    """What a job asks of a register."""

    def now(self) -> datetime:
        """The register's time."""

    def held(self, party: str, identifiers: Sequence[Identifier]) -> dict[Identifier, Held]:
        """Which of these the party has filed already."""

    def file(self, party: str, token: str, bodies: Sequence[Body], *, trial: bool) -> list[Answer]:
        """One answer a body of `case.file`, in order.

        Raises:
            RefusedError: the token does not count any more, or may not file.
        """


class DeskFiler:
    """Files at the front desk of a registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def now(self) -> datetime:
        return self._registry.clock.now()

    def held(self, party: str, identifiers: Sequence[Identifier]) -> dict[Identifier, Held]:
        if not identifiers:
            return {}
        found: dict[Identifier, Held] = {}
        filters = {"applicant": [party], "identifier": [f"{scheme}:{value}" for scheme, value in identifiers]}
        after: int | None = -1
        while after is not None:
            items, after, _ = self._registry.reader.page(
                "assets", filters, after=after, limit=_PAGE, at=None, size=None
            )
            for item in items:
                for each in item["form"].get("identifiers", ()):
                    held = Held(item["id"], parse_instant(item["recorded"]["time"]))
                    found.setdefault((each.get("scheme", ""), each.get("value", "")), held)
        return found

    def file(self, party: str, token: str, bodies: Sequence[Body], *, trial: bool) -> list[Answer]:
        live = self._live(party, token)
        return self._registry.desk.act_many(live, "case.file", [ActRequest(body) for body in bodies], trial=trial)

    def _live(self, party: str, token: str) -> Token:
        """The token that the job was sent with, if it still counts."""
        for each in self._registry.desk.tokens(party):
            if each.id == token and each.is_live(self.now()):
                return each
        raise refused(
            "TOKEN_INVALID",
            "The token that the import was sent with has expired or was revoked; send the rest of the file again.",
            "提交该导入所用的令牌已过期或已撤销；请重新提交文件的其余部分。",
        )
