"""Request bodies: read within a limit, of the media type that is meant."""

from fastapi import Request

from api.answers import JSON
from api.guards.bodies import read_body
from registry.admission import MAX_SUBMISSION_BYTES
from registry.refusals.refusal import refused


def media_type_of(request: Request) -> str:
    """The media type of the body, without its parameters; empty if the request names none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def json_body(request: Request, most: int = MAX_SUBMISSION_BYTES) -> bytes:
    """The body of a JSON request.

    Raises:
        RefusedError: MEDIA_TYPE or TOO_LARGE.
    """
    media_type = media_type_of(request)
    if media_type != JSON:
        raise refused("MEDIA_TYPE", f"Send {JSON}, not {media_type or 'nothing'}.", f"请以 {JSON} 提交。")
    return await read_body(request, most)
