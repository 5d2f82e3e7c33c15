"""Who may read the register: everybody, or its members only. Contract section 10, `--visibility`.

A members' register shows what stands in it to whoever says who asks: a party's token, or a request signed by a live key.
To everybody else nothing is there. Proofs work for all: checkpoints, hash tiles, inclusion and consistency, rulebooks.
"""

from fastapi import Depends, Request

from api.callers import CallerDep
from api.deps import SettingsDep
from registry.reading import not_found


async def must_see(request: Request, caller: CallerDep, settings: SettingsDep) -> None:
    """Returns if the caller may see what the register holds; what is for members is in no shared cache.

    Raises:
        RefusedError: NOT_FOUND.
    """
    if settings.visibility == "public":
        return
    request.state.for_members = True
    if caller.party is None:
        path = request.url.path
        raise not_found(
            f"{path} for you; say who asks (a token, or a signed request)", f"可供您查阅的 {path}；请表明身份"
        )


FOR_MEMBERS = [Depends(must_see)]
"""Dependencies of routes that show what the register holds."""
