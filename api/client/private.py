"""What is private to a party: confidential values, who read them, its tokens. Requests are signed with its key."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from api.client.errors import TrustError
from api.client.reads import Reads
from api.client.signing import SignedRequest
from api.client.transport import query
from ledger.keys import Signer
from ledger.strict_json import format_compact
from registry.documents.disclosures import disclosure_digest

NONE: Mapping[Any, Any] = MappingProxyType({})


class Private(Reads):
    """Reads and changes what is a party's own, off the ledger."""

    @abstractmethod
    def _signer(self) -> Signer:
        """The party's key."""

    @abstractmethod
    def _party_id(self) -> str:
        """The party."""

    def _private(self, method: str, path: str, members: Mapping[str, Any] = NONE, body: Any = None) -> Any:
        """The answer to a request that says who asks; None if there is none to read."""
        content = None if body is None else format_compact(body)
        auth = SignedRequest(self._signer())
        response = self._transport.send(method, path, params=query(members), content=content, auth=auth)
        return response.json() if response.content else None

    def disclosure(self, digest: str, purpose: str) -> Mapping[str, Any]:
        """The plain value behind a digest, which proves itself. The registry logs who read it and for what.

        Raises:
            TrustError: the registry shows another value than the one on the ledger.
        """
        found: Mapping[str, Any] = self._private("GET", f"/v1/disclosures/{digest}", {"purpose": purpose})
        if disclosure_digest(str(found.get("disclosure"))) != digest:
            raise TrustError(
                "the registry shows another value than the one whose digest is on the ledger", "content_changed"
            )
        return found

    def accesses(self) -> Iterator[Mapping[str, Any]]:
        """Who read what concerns the profile's party, oldest first."""
        cursor: str | None = None
        while True:
            page = self._private("GET", f"/v1/parties/{self._party_id()}/accesses", {"cursor": cursor})
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def make_token(
        self, *, scopes: Sequence[str] | None = None, name: str | None = None, expires: str | None = None
    ) -> Mapping[str, Any]:
        """A bearer token of the profile's party; `token` is shown this once."""
        wanted = {"scopes": list(scopes) if scopes else None, "name": name, "expires": expires}
        body = {member: value for member, value in wanted.items() if value is not None}
        made: Mapping[str, Any] = self._private("POST", "/v1/tokens", body=body)
        return made

    def tokens(self) -> list[Mapping[str, Any]]:
        """The tokens of the profile's party, without their secrets."""
        found: list[Mapping[str, Any]] = self._private("GET", "/v1/tokens")["items"]
        return found

    def revoke_token(self, identifier: str) -> None:
        """The token does not count any more."""
        self._private("DELETE", f"/v1/tokens/{quote(identifier, safe='')}")
