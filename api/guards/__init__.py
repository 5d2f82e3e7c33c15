"""What stands between a socket and a handler: time limits, size limits, quotas of requests, headers of every answer."""

from typing import Any


def http_protocol(head_seconds: float) -> Any:
    """What `uvicorn.Config` takes as `http`: see `api.guards.connections`."""
    try:
        from api.guards.connections import punctual
    except ImportError:  # no httptools on Windows; h11 limits the size of a head, not its time
        return "h11"
    return punctual(head_seconds)
