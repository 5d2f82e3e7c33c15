"""The closed table of acts: what a statement may do, by name."""

from typing import Any

from registry.acts.act import Act
from registry.acts.agencies import AGENCY_END, AGENCY_GIVE
from registry.acts.assents import CASE_ASSENT, CASE_WITHDRAW
from registry.acts.attachments import EVIDENCE_ATTACH
from registry.acts.disclosures import DISCLOSURE_ERASE, DISCLOSURE_RESTRICT
from registry.acts.filing import CASE_FILE
from registry.acts.grants import RIGHT_GRANT
from registry.acts.keys import KEY_ADD, KEY_REVOKE
from registry.acts.log_keys import LOG_KEY
from registry.acts.opening import LOG_OPEN
from registry.acts.parties import PARTY_REGISTER, PARTY_UPDATE, PARTY_VERIFY
from registry.acts.recovery import KEY_RECOVER
from registry.acts.revocations import RIGHT_REVOKE
from registry.acts.roles import ROLE_GRANT, ROLE_REVOKE
from registry.acts.rulebooks import RULEBOOK_ADOPT

ACTS: dict[str, Act[Any]] = {
    act.name: act
    for act in (
        LOG_OPEN, LOG_KEY, PARTY_REGISTER, PARTY_UPDATE, PARTY_VERIFY, KEY_ADD, KEY_REVOKE, KEY_RECOVER, ROLE_GRANT, ROLE_REVOKE,
        RULEBOOK_ADOPT, CASE_FILE, RIGHT_GRANT, RIGHT_REVOKE, DISCLOSURE_ERASE, DISCLOSURE_RESTRICT, AGENCY_GIVE,
        AGENCY_END, CASE_ASSENT, CASE_WITHDRAW, EVIDENCE_ATTACH,
    )
}  # fmt: skip
