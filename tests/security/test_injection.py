"""No text that a caller sends is taken for SQL, for an operator of the search, or for a path in the file system."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from registry.store.lists import LISTINGS
from tests.security.town import Town
from tests.security.wire import connected, head_of, rest_of, status_of

SQL = (
    "' OR '1'='1", "';DROP/**/TABLE/**/sanquan_asset;--", '" OR ""="', "x') OR 1=1 --", "1/**/UNION/**/SELECT/**/sql/**/FROM/**/sqlite_master",
    "%' OR name LIKE '%", "\\", "a:b' OR 'a'='a", "\x00", "NULL", '停车" OR "济南', "停车*) OR (words : x", "' | '1",
    "NEAR(停车 数据, 99)", "^停车xyz", "sanquan_words_asset:停车", "停车 NOT 数据xyz", "{words}: 停车xyz",
)  # fmt: skip
FILTERS = [(what, name) for what, listing in LISTINGS.items() for name in listing.filters]
FILTERS += [("entries", name) for name in ("act", "by", "folio")]


@pytest.mark.parametrize(("what", "name"), FILTERS)
def test_sql_in_a_filter_is_a_text_that_nothing_has(town: Town, what: str, name: str) -> None:
    http = town.live.http
    everything = http.get(f"/v1/{what}").json()["items"]
    for text in SQL:
        answer = http.get(f"/v1/{what}", params={name: text})
        if answer.status_code == 200:
            assert answer.json()["items"] == [], (text, answer.text)
        else:
            assert answer.status_code in (400, 422), (text, answer.text)
    assert http.get(f"/v1/{what}").json()["items"] == everything
    assert everything


@pytest.mark.parametrize("name", ["cursor", "limit", "at", "size"])
def test_sql_in_the_parameters_of_a_page_is_refused(town: Town, name: str) -> None:
    for what in (*LISTINGS, "entries"):
        for text in SQL:
            assert town.live.http.get(f"/v1/{what}", params={name: text}).status_code in (400, 422)


def test_sql_in_a_check_is_a_denial_or_refused(town: Town) -> None:
    known = {"party": town.firm.id, "asset": town.asset, "purpose": "research"}
    assert town.live.get("/v1/check", **known)["decision"] is True
    for name in ("party", "asset", "purpose", "right", "territory", "fields"):
        for text in SQL:
            answer = town.live.http.get("/v1/check", params=known | {name: text})
            # the asset lists no fields, so that a right covers any
            assert answer.status_code in (400, 422) or answer.json()["decision"] is (name == "fields"), (name, text)


OUTSIDE = (
    "../registry.db", "..%2fregistry.db", "%2e%2e%2fregistry.db", "..%252fregistry.db", "..\\registry.db", "..%5cregistry.db",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "%2fetc%2fpasswd", "....//registry.db", "..;/registry.db",
    "keys/registrar.pem", "../keys/registrar.pem", "..%2fkeys%2fregistrar.pem", "%c0%ae%c0%ae%c0%afregistry.db",
    "..%00/registry.db", "registry.db%00.p/1", ".", "..", "%2e%2e", "documents", "~", "file:%2f%2f%2fetc%2fpasswd",
)  # fmt: skip


def parametrised(town: Town) -> list[str]:
    """Every path with a parameter, those of pages and tiles too."""
    documented = [path for path in town.live.app.openapi()["paths"] if "{" in path]
    assert {"/tile/{path}", "/v1/assets/{identifier}", "/v1/rulebooks/{sha256}"} <= {*documented}
    return [*documented, "/problems/{code}", "/static/{file}", "/{anything}"]


@pytest.mark.parametrize("outside", OUTSIDE)
def test_no_path_leads_out_of_what_is_published(town: Town, outside: str) -> None:
    """Sent as it stands: a client library would tidy the path up."""
    secrets = [path.read_bytes() for path in (town.live.folder / "keys").glob("*.pem")]
    secrets += [b"SQLite format", b"root:", (town.live.folder / "admin.token").read_bytes().strip()]
    for path in parametrised(town):
        for method in ("GET", "HEAD"):
            with connected(town.live.url) as connection:
                connection.sendall(head_of(method, re.sub(r"\{[^}]+\}", lambda _: outside, path), Connection="close"))
                answer = rest_of(connection)
            assert status_of(answer) in (400, 401, 404, 405, 200), (path, answer)
            assert not any(secret in answer for secret in secrets), path
            if status_of(answer) == 200:  # a path that is another route's, tidied up
                assert method == "HEAD" or b"/problems" in answer or b'"items"' in answer, (path, answer)


def test_names_of_documents_are_digests_and_nothing_else(town: Town) -> None:
    documents = town.live.registry.documents
    for name in ("../registry.db", "/etc/passwd", "", ".", "A" * 64, "0" * 63, "0" * 65, f"{'0' * 63}/", "é" * 64):
        assert documents.get(name) is None
        assert documents.rulebook(name) is None
    assert not (town.live.folder / "documents" / "..").samefile(Path("/"))


ODD = [bytes([n]) for n in (*range(1, 33), 34, 39, 60, 62, 91, 92, 93, 94, 96, 123, 124, 125, 127, 128, 192, 255)] + [
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xef\xbf\xbf", b"\xf0\x9f\x98\x80", "\u202e".encode(), "ı".encode(),
    b"9" * 400, b"-1", b"1e9", b"1" * 17, b"true", b"[]", b"{}", b"null", b"*",
]  # fmt: skip


@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "as they are"])
def test_no_route_answers_500_to_odd_bytes(town: Town, escaped: bool) -> None:
    targets = [path.replace("{", "\0{").partition("\0")[0].encode() for path in parametrised(town)]
    targets += [f"/v1/{what}?{name}=".encode() for what, name in FILTERS]
    targets += [
        f"/v1/{what}?{name}=".encode() for what in (*LISTINGS, "entries") for name in ("cursor", "at", "size", "limit")
    ]
    targets += [
        f"/v1/assets/{town.asset}?at=".encode(),
        f"/v1/parties/{town.firm.id}?size=".encode(),
        b"/?lang=",
        b"/v1/check?party=",
    ]
    targets += [b"/v1/log/inclusion?seq=", b"/v1/log/consistency?from=1&to=", b"/v1/assets?"]
    statuses = set()
    for odd in ODD:
        for target in targets[ODD.index(odd) % 4 :: 4]:  # each target many times, each text on many
            text = quote(odd).encode() if escaped else odd
            with connected(town.live.url) as connection:
                connection.sendall(b"GET " + target + text + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answer = rest_of(connection)
            status = status_of(answer) if answer else 0
            assert status < 500 or (status == 503 and b"BEHIND" in answer), (target, odd, answer)
            statuses.add(status)
    assert {400, 404} <= statuses


def test_no_route_answers_500_to_odd_bodies(town: Town) -> None:
    http = town.live.http
    for body in [*ODD, b"", b"\xef\xbb\xbf{}", b"\x00" * 100, b"\xff\xfe{\x00}\x00"]:
        for path in ("/v1/statements", "/v1/checks", "/v1/clock"):
            for media_type in (
                "application/json",
                "application/x-ndjson",
                "text/plain",
                "application/json; charset=utf-16",
                "\xe9",
            ):
                headers = [(b"Content-Type", media_type.encode("latin-1"))]
                answer = http.post(path, content=body, headers=headers)
                assert answer.status_code < 500, (path, body, media_type)


def test_odd_headers_are_no_fault(town: Town) -> None:
    for value in (b"\xff\xfe", b",;=q", b"a" * 5_000, b"*;q=nan", b"en;q=1e999", b'"', b"W/", b"-1"):
        for name in (
            "Accept",
            "Accept-Language",
            "Accept-Encoding",
            "If-None-Match",
            "Host",
            "Range",
            "Origin",
            "Authorization",
        ):
            for path in ("/", "/v1/assets", "/v1/entries/0", "/tile/entries/000.p/3", "/nothing"):
                answer = town.live.http.get(path, headers=[(name.encode(), value)])
                assert answer.status_code < 500, (name, value, path)
