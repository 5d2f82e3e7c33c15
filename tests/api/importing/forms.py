"""What every body must satisfy by contract section 5, whoever made it."""

import json
import re
from typing import Any

from api.importing.model import Row
from registry.law.counting import count_characters

VALUES = {
    "form": {"raw", "resource", "product", "service", "derived"},
    "region_scope": {"international", "national", "province", "city", "county", "below_county"},
    "update_frequency": {"daily", "weekly", "monthly", "yearly", "on_demand", "realtime", "other"},
    "structure": {"structured", "semi_structured", "unstructured"},
    "grade": {"core", "important", "general", "ungraded"},
    "personal_information": {"none", "anonymised", "deidentified", "personal", "sensitive", "minor"},
}
MEMBERS = set(VALUES) | {"name", "overview", "industry", "region", "volume", "media", "categories"}
MEMBERS |= {"fingerprints", "identifiers", "links"}


def check_row(row: Row) -> dict[str, Any]:
    """Asserts the form and size of the row's body and gives its asset."""
    text = json.dumps(row.body, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    assert len(text) <= 24_000
    json.dumps(row.body, ensure_ascii=False).encode()
    body = json.loads(text)
    assert set(body) == {"kind", "asset", "sources", "claims", "evidence"}
    asset = body["asset"]
    assert set(asset) <= MEMBERS
    assert set(asset) >= MEMBERS - {"region", "fingerprints", "links"}
    for member, values in VALUES.items():
        assert asset[member] in values, member
    assert asset["name"]
    assert asset["overview"]
    assert count_characters(asset["name"]) <= 40
    assert count_characters(asset["overview"]) <= 400
    assert re.fullmatch(r"[A-T]\d\d", asset["industry"])
    assert asset["media"]
    assert set(asset["media"]) <= {"image", "text", "video", "audio", "table", "other"}
    assert asset["categories"]
    assert set(asset["categories"]) <= {"public", "enterprise", "personal"}
    for value in asset["volume"].values():
        assert (isinstance(value, int) and 0 <= value < 2**53) or (isinstance(value, str) and int(value) >= 2**53)
    assert len(asset.get("links", [])) <= 10
    assert all(re.fullmatch(r"(?i)https?://[!-~]+", link) and len(link) <= 500 for link in asset.get("links", []))
    prints = [each["value"] for each in asset.get("fingerprints", [])]
    assert len(prints) == len(set(prints)) <= 32
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in prints)
    assert asset["identifiers"] == [{"scheme": row.identifier[0], "value": row.identifier[1]}]
    assert 0 < len(row.identifier[1]) <= 200
    return asset
