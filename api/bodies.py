"""Request bodies: read within a limit, of the media type that is meant."""

from fastapi import Request

from api.answers import JSON
from registry.admission import MAX_SUBMISSION_BYTES
from registry.refusals.refusal import refused


async def json_body(request: Request, most: int = MAX_SUBMISSION_BYTES) -> bytes:
    """The body of a JSON request.

    Raises:
        RefusedError: MEDIA_TYPE or TOO_LARGE.
    """
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != JSON:
        raise refused("MEDIA_TYPE", f"Send {JSON}, not {media_type or 'nothing'}.", f"请以 {JSON} 提交。")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise refused("TOO_LARGE", f"A request has at most {most} bytes.", f"单次请求不超过 {most} 字节。")
    return bytes(data)
