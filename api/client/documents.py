"""Documents: sent under their digest, read back by those concerned, checked against it."""

import hashlib
from collections.abc import Mapping
from typing import Any

from api.client.errors import TrustError
from api.client.private import Private
from api.client.signing import SignedRequest
from api.client.transport import MAX_FILE_BYTES
from registry.documents.media import OCTETS


class Documents(Private):
    """Sends and reads documents."""

    def send_document(self, data: bytes, media_type: str = OCTETS) -> str:
        """The document is kept by the registry; answers the digest by which statements cite it."""
        digest = hashlib.sha256(data).hexdigest()
        auth = SignedRequest(self._signer())
        facts: Mapping[str, Any] = self._transport.json(
            "PUT", f"/v1/documents/{digest}", content=data, media_type=media_type, auth=auth
        )
        if facts.get("sha256") != digest:
            raise TrustError("the registry names another document than the one that was sent", "content_changed")
        return digest

    def document(self, digest: str, purpose: str) -> bytes:
        """The document of a digest. The registry logs who read it and for what.

        Raises:
            TrustError: the registry answers other bytes.
        """
        auth, params = SignedRequest(self._signer()), [("purpose", purpose)]
        answer = self._transport.send(
            "GET", f"/v1/documents/{digest}", params=params, accept="*/*", auth=auth, limit=MAX_FILE_BYTES
        )
        if hashlib.sha256(answer.content).hexdigest() != digest:
            raise TrustError("the registry answers other bytes than those of the document", "content_changed")
        return answer.content
