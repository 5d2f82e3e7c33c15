"""Who may send, and how much."""

from pathlib import Path

import pytest

from api.limits import QuotaError, Quotas
from api.settings import Settings
from ledger.encoding import format_base64
from ledger.keys import KeySigner
from ledger.statement import format_envelope, parse_envelope
from registry.drafting import sign_payload
from tests.api.live import Actor, Live, live_registry, party_body, problem


def registration(live: Live, name: str) -> bytes:
    actor = Actor(name, [KeySigner.generate()])
    return live.envelope("party.register", actor, party_body(actor))


def test_one_address_may_send_so_much(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", quota_address="3/hour") as live:
        for number in range(3):
            assert live.send(registration(live, f"Firm {number}")).status_code == 201
        refused = live.send(registration(live, "Firm X"))
        problem(refused, 429, "RATE_LIMITED")
        assert 3_000 < int(refused.headers["retry-after"]) <= 3_600  # when the first of the three is an hour old
        (line,) = live.file(registration(live, "Firm Y"))
        assert line["problem"]["code"] == "RATE_LIMITED"
        assert live.get("/v1/parties")["size"] == 4


def test_one_party_may_send_so_much_and_others_are_not_touched(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", quota_party="3/hour") as live:
        a, b = live.party("Firm A"), live.party("Firm B")
        lines = b"\n".join(live.envelope("case.file", a, live.filing(a, name=f"数据{n}")) for n in range(4))
        answers = live.file(lines)
        assert [answer["status"] for answer in answers] == [201, 201, 429, 429]
        problem(live.send(live.envelope("case.file", a, live.filing(a))), 429, "RATE_LIMITED")
        live.asset(b)


def test_the_same_payload_again_is_free_of_the_partys_quota(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", quota_party="1/hour") as live:
        envelope = registration(live, "Firm A")
        assert live.send(envelope).status_code == 201
        assert live.send(envelope).status_code == 200
        assert live.file(envelope)[0]["status"] == 200


def forged(live: Live, victim: Actor, name: str) -> bytes:
    """A statement in the victim's name, under the id of the victim's key, with a signature that another key made."""
    envelope = live.envelope("case.file", victim, live.filing(victim, name=name))
    (real,) = parse_envelope(envelope).signatures
    (other,) = sign_payload(parse_envelope(envelope).payload, [KeySigner.generate()]).signatures
    return envelope.replace(format_base64(real.value).encode(), format_base64(other.value).encode())


def test_nobody_spends_anothers_quota(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", quota_party="2/hour") as live:
        firm = live.party("Firm A")
        for number in range(3):
            problem(live.send(forged(live, firm, f"数据{number}")), 403, "SIGNATURE_INVALID")
        lines = live.file(b"\n".join(forged(live, firm, f"更多数据{number}") for number in range(3)))
        assert {line["problem"]["code"] for line in lines} == {"SIGNATURE_INVALID"}
        live.asset(firm)
        problem(live.send(live.envelope("case.file", firm, live.filing(firm, name="另一数据"))), 429, "RATE_LIMITED")


def test_nobody_spends_anothers_quota_by_a_key_of_their_own(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", quota_party="50/hour") as live:
        victim, rogue = live.party("Firm A"), live.party("Firm B")

        def filed(by: Actor) -> bytes:
            return live.envelope("case.file", by, live.filing(by, name=f"数据{next(numbers)}"))

        numbers = iter(range(1_000))
        assert {line["status"] for line in live.file(b"\n".join(filed(rogue) for _ in range(40)))} == {201}
        posing = Actor(victim.name, rogue.signers)
        envelopes = [sign_payload(parse_envelope(filed(victim)).payload, posing.signers) for _ in range(45)]
        lines = live.file("\n".join(map(format_envelope, envelopes)).encode())
        assert {line["problem"]["code"] for line in lines} == {"KEY_UNKNOWN"}
        assert {line["status"] for line in live.file(b"\n".join(filed(victim) for _ in range(40)))} == {201}


def test_whoever_sends_what_is_not_signed_spends_the_quota_of_the_address(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", quota_address="6/hour") as live:
        firm = live.party("Firm A")
        lines = live.file(b"\n".join([*(forged(live, firm, f"数据{number}") for number in range(4)), b"{}", b"{}"]))
        codes = [line["problem"]["code"] for line in lines]
        assert codes == ["SIGNATURE_INVALID"] * 4 + ["MALFORMED", "RATE_LIMITED"]
        problem(live.send(live.envelope("case.file", firm, live.filing(firm))), 429, "RATE_LIMITED")


def test_a_large_file_sent_again_is_free_of_the_partys_quota(tmp_path: Path) -> None:
    """Its signatures are known to hold before anybody has looked whether the statements are known."""
    with live_registry(tmp_path / "data", quota_party="40/hour") as live:
        firm = live.party("Firm A")
        lines = b"\n".join(live.envelope("case.file", firm, live.filing(firm, name=f"数据{n}")) for n in range(35))
        assert {answer["status"] for answer in live.file(lines)} == {201}
        assert {answer["status"] for answer in live.file(lines)} == {200}
        live.asset(firm)


def test_on_loopback_there_is_no_quota_unless_one_is_set(live: Live) -> None:
    answers = live.file(b"\n".join(registration(live, f"Firm {n}") for n in range(20)))
    assert {answer["status"] for answer in answers} == {201}


def test_verified_only_lets_others_register_and_keep_their_keys(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", admission="verified") as live:
        firm = live.party()
        problem(live.send(live.envelope("case.file", firm, live.filing(firm))), 403, "NOT_ADMITTED")
        (line,) = live.file(live.envelope("case.file", firm, live.filing(firm)))
        assert (line["status"], line["problem"]["code"]) == (403, "NOT_ADMITTED")
        live.ok("party.update", firm, {"name": "Firm A2"})
        live.ok("party.verify", live.registrar, {"party": firm.id, "level": "documented"})
        live.asset(firm)


@pytest.mark.parametrize("admission", ["open", None])
def test_open_admission(tmp_path: Path, admission: str | None) -> None:
    with live_registry(tmp_path / "data", admission=admission) as live:
        live.asset(live.party())


def test_one_address_may_ask_so_much_whatever_it_asks_for(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", quota_requests="5/hour") as live:
        for path in ("/", "/checkpoint", "/v1/assets", "/nothing", "/v1/check"):
            assert live.http.get(path).status_code in (200, 400, 404)
        for method, path in (
            ("GET", "/docs"),
            ("GET", "/tile/0/000.p/1"),
            ("POST", "/v1/checks"),
            ("POST", "/v1/statements"),
        ):
            refused = live.http.request(method, path)
            problem(refused, 429, "RATE_LIMITED")
            assert 1 <= int(refused.headers["retry-after"]) <= 3_600
            assert refused.headers["x-content-type-options"] == "nosniff"
        for path in ("/healthz", "/readyz"):
            assert live.http.get(path).status_code == 200


def test_behind_a_proxy_it_is_the_caller_who_is_counted(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", quota_requests="2/hour") as live:
        for address in ("203.0.113.7", "203.0.113.8"):
            statuses = [live.http.get("/", headers={"X-Forwarded-For": address}).status_code for _ in range(3)]
            assert statuses == [200, 200, 429]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False), ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False), ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False), ("fe80::1%eth0", "fe80::2%eth0", True), ("", "unknown", False),
    ],
)  # fmt: skip
def test_whom_an_address_stands_for(one: str, other: str, same: bool) -> None:
    quotas = Quotas(Settings(quota_requests="1/hour"))
    quotas.take_request(one)
    with pytest.raises(QuotaError) as caught:
        quotas.take_request(one)
    assert 1 <= caught.value.seconds <= 3_600
    if same:
        with pytest.raises(QuotaError):
            quotas.take_request(other)
    else:
        quotas.take_request(other)


def test_off_loopback_all_is_limited_and_reads_generously() -> None:
    far = Settings(host="203.0.113.1", origin="far.test")
    assert (far.quota("party"), far.quota("address"), far.quota("requests")) == (
        "6000/minute",
        "6000/minute",
        "12000/minute",
    )
    near = Settings()
    assert (near.quota("party"), near.quota("address"), near.quota("requests")) == (None, None, None)
    assert Settings(quota_requests="1/second").quota("requests") == "1/second"


THROUGH_A_PROXY = [
    {"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.7"}, {"Via": "1.1 proxy"},
    {"X-Real-IP": "203.0.113.7"}, {"Host": "registry.example"},
]  # fmt: skip


@pytest.mark.parametrize("headers", THROUGH_A_PROXY, ids=lambda headers: next(iter(headers)))
def test_open_without_being_told_so_only_for_its_own_machine(live: Live, headers: dict[str, str]) -> None:
    refused = problem(live.send(registration(live, "Firm A"), headers=headers), 403, "NOT_ADMITTED")
    assert "--admission" in refused["detail"]
    assert live.http.get("/v1/parties", headers=headers).status_code == 200
    assert live.send(registration(live, "Firm A"), headers={"Host": "localhost:8000"}).status_code == 201


ASKED_WITH_A_BODY = {"/v1/checks", "/v1/clock", "/v1/tokens"}
"""They put nothing on the ledger. The clock is there in simulations alone; a token is made for whoever holds one."""


def test_there_is_no_other_way_to_write(live: Live) -> None:
    paths = live.get("/openapi.json")["paths"]
    ways = [
        (method, path) for path, methods in paths.items() for method in methods if method in ("post", "put", "patch")
    ]
    assert {path for _, path in ways} > ASKED_WITH_A_BODY
    for method, path in ways:
        if path not in ASKED_WITH_A_BODY:
            answer = live.http.request(method, path.replace("{", "").replace("}", ""), headers=THROUGH_A_PROXY[0])
            problem(answer, 403, "NOT_ADMITTED")


@pytest.mark.parametrize("admission", ["open", "verified"])
def test_whoever_says_who_is_admitted_may_stand_behind_a_proxy(tmp_path: Path, admission: str) -> None:
    with live_registry(tmp_path / "data", admission=admission) as live:
        for headers in THROUGH_A_PROXY:
            assert live.send(registration(live, "Firm A"), headers=headers).status_code == 201
