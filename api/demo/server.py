"""A registry served from this process on a free port of loopback: for demonstrations and tests."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.guards import http_protocol
from api.settings import Settings
from registry.registry import Options, open_registry


@contextmanager
def served(data: Path, name: str) -> Iterator[str]:
    """The URL of the registry in `data` while the block runs."""
    registry = open_registry(Options(data, name=name))
    try:
        with serving(create_app(registry, Settings(data=data))) as url:
            yield url
    finally:
        registry.close()


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The URL of the app while the block runs; the registry behind it stays the caller's."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        http = http_protocol(app.state.settings.head_timeout)
        config = uvicorn.Config(app, log_level="critical", lifespan="on", server_header=False, http=http, ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
