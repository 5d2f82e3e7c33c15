"""What the pages need of `curl`, for machines without it: requests to loopback, with nothing but the standard library.

    curl [-s] [-i] [-G] [-X METHOD] [-H LINE]… [-d DATA]… [--data-binary DATA] [--data-urlencode NAME=VALUE]… [-o FILE]
         [-w FORMAT] URL

Data that begin with `@` are the content of a file. An option that is not here is refused, not passed over.
"""

import argparse
import sys
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import quote, urlsplit


def options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="curl", allow_abbrev=False)
    parser.add_argument("-s", "--silent", action="store_true")
    parser.add_argument("-i", "--include", action="store_true")
    parser.add_argument("-G", "--get", action="store_true")
    parser.add_argument("-X", "--request")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-d", "--data", action="append", default=[])
    parser.add_argument("--data-binary", action="append", default=[])
    parser.add_argument("--data-urlencode", action="append", default=[])
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("-w", "--write-out", default="")
    parser.add_argument("url")
    return parser.parse_args(words)


def data_of(wanted: argparse.Namespace) -> bytes | None:
    """What is sent; None where no option says so."""
    parts = [_content(text).translate(None, b"\r\n") if text.startswith("@") else text.encode() for text in wanted.data]
    parts += [_content(text) for text in wanted.data_binary]
    for text in wanted.data_urlencode:
        name, _, value = text.partition("=")
        parts.append(f"{name}={quote(value, safe='')}".encode())
    return b"&".join(parts) if parts else None


def _content(text: str) -> bytes:
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()


def answered(wanted: argparse.Namespace, connection: HTTPConnection) -> HTTPResponse:
    """The answer to the request, its body still to be read."""
    url, data = urlsplit(wanted.url), data_of(wanted)
    query = [url.query] if url.query else []
    if wanted.get and data is not None:
        query, data = [*query, data.decode()], None
    headers = {"Accept": "*/*"}
    if data is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    for line in wanted.header:
        name, _, value = line.partition(":")
        headers[next((known for known in headers if known.lower() == name.lower()), name)] = value.strip()
    target = (url.path or "/") + ("?" + "&".join(query) if query else "")
    method = wanted.request or ("GET" if data is None else "POST")
    with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent: the answer is there
        connection.request(method, target, data, {name: value.encode() for name, value in headers.items()})
    return connection.getresponse()


def main() -> int:
    wanted = options(sys.argv[1:])
    url = urlsplit(wanted.url)
    if url.scheme != "http" or url.hostname is None:
        sys.stderr.write(f"curl: {wanted.url}: only http here\n")
        return 3
    connection = HTTPConnection(url.hostname, url.port or 80, timeout=60)
    try:
        answer = answered(wanted, connection)
        body = answer.read()
    except OSError as error:
        sys.stderr.write(f"curl: {error}\n")
        return 7
    finally:
        connection.close()
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in answer.getheaders())]
    shown = "".join(f"{line}\r\n" for line in [*lines, ""]).encode() + body if wanted.include else body
    if wanted.output:
        wanted.output.write_bytes(shown)
    else:
        sys.stdout.buffer.write(shown)
    status = wanted.write_out.replace("%{http_code}", str(answer.status)).replace("\\n", "\n")
    sys.stdout.buffer.write(status.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
