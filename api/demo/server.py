"""A registry served from this process on a free port of loopback."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from api.app import create_app
from api.settings import Settings
from registry.registry import Options, open_registry


@contextmanager
def served(data: Path, name: str) -> Iterator[str]:
    """The URL of the registry in `data` while the block runs."""
    registry = open_registry(Options(data, name=name))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(create_app(registry, Settings(data=data)), log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        registry.close()
