"""The app: routes, errors, and what handlers share. Nothing happens at import."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI

from api import problems
from api.limits import Quotas
from api.publishing import Publisher
from api.settings import Settings
from api.v1 import acts, checks, confidential, log, registers, statements, system, tokens
from api.web import pages
from registry.registry import Registry

THREADS = 96
"""Handlers that wait at once for the writer."""


def create_app(registry: Registry, settings: Settings | None = None) -> FastAPI:
    """The app on an open registry. Closing the registry is the caller's business."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield

    app = FastAPI(
        title="Sanquan 三权",
        summary="An open register of data rights on a ledger that anyone can verify.",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.registry = registry
    app.state.settings = settings or Settings()
    app.state.quotas = Quotas(app.state.settings)
    app.state.publisher = Publisher(registry.engine, registry.log)
    problems.install(app)
    for router in (
        statements.router,
        acts.router,
        tokens.router,
        confidential.router,
        registers.router,
        checks.router,
        log.router,
        system.router,
        pages.router,
    ):
        app.include_router(router)
    return app
