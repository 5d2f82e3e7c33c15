"""The Python SDK: signs locally, pins keys, and verifies what it gets before it returns it.

with Client("http://127.0.0.1:8000", Profile.open(name="Firm A")) as client:
client.ensure_registered()
receipt = client.file(form, [source], [{"party": client.party_id, "rights": ["holding"]}])
client.check(client.party_id, receipt.id("ast"), "research")
"""

from api.client.client import Client, LineResult, Receipt
from api.client.errors import ClientError, ProblemError, TransportError, TrustError
from api.client.pins import Pins
from api.client.profile import Profile, ProfileError

__all__ = [
    "Client",
    "ClientError",
    "LineResult",
    "Pins",
    "ProblemError",
    "Profile",
    "ProfileError",
    "Receipt",
    "TransportError",
    "TrustError",
]
