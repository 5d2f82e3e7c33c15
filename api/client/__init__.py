"""The Python SDK: signs locally, pins keys, and verifies what it gets before it returns it.

with Client("http://127.0.0.1:8000", Profile.open(name="Firm A")) as client:
client.ensure_registered()
receipt = client.file(form, [source], [{"party": client.party_id, "rights": ["holding"]}])
client.check(client.party_id, receipt.id("ast"), "research")
"""

from api.client.client import Client
from api.client.drafts import Draft
from api.client.errors import ClientError, ProblemError, TransportError, TrustError
from api.client.evidence import Bundle
from api.client.files import LineResult, Receipt
from api.client.pins import Pins
from api.client.profile import Profile, ProfileError
from api.client.receipts import identifiers_of

__all__ = [
    "Bundle",
    "Client",
    "ClientError",
    "Draft",
    "LineResult",
    "Pins",
    "ProblemError",
    "Profile",
    "ProfileError",
    "Receipt",
    "TransportError",
    "TrustError",
    "identifiers_of",
]
