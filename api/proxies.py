"""Requests from elsewhere to a server that was started for this machine alone. ADR 0014."""

from urllib.parse import urlsplit

from fastapi import Depends, Request

from api.deps import SettingsDep
from api.settings import LOOPBACK
from registry.refusals.refusal import refused

_MARKS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


async def must_be_from_here(request: Request, settings: SettingsDep) -> None:
    """Returns if the operator said who is admitted, or nothing shows that the request comes through a proxy.

    Raises:
        RefusedError: NOT_ADMITTED.
    """
    if not settings.only_for_here:
        return
    if any(mark in request.headers for mark in _MARKS) or host_of(request) not in LOOPBACK:
        raise refused(
            "NOT_ADMITTED",
            "This server was started for its own machine, where everybody is admitted, yet the request came through a "
            "proxy or under another name. Its operator must say who is admitted: --admission verified or open.",
            "本服务仅为本机启动（任何主体均可办理），而该请求经代理或以其他域名到达。须由运营者写明准入方式：--admission verified 或 open。",
        )


FROM_HERE = [Depends(must_be_from_here)]
"""Dependencies of routes by which something is written."""


def host_of(request: Request) -> str | None:
    """The name that the caller has for this server, without the port."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return None
