"""The app: routes, errors, and what handlers share. Nothing happens at import."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from api import problems
from api.guards.bodies import Patience
from api.guards.headers import SecurityHeaders
from api.guards.requests import RequestQuota
from api.imports.filing import DeskFiler
from api.imports.runner import Runner
from api.imports.shelf import Shelf
from api.limits import Quotas
from api.publishing import Publisher
from api.settings import Settings
from api.signed_requests import Once
from api.v1 import acts, checks, confidential, documents, drafts, evidence, log, registers, statements, system, tokens
from api.v1 import imports as import_routes
from api.web import pages
from registry.registry import Registry

THREADS = 96
"""Handlers that wait at once for the writer."""


class GuardedApp(FastAPI):
    """An app whose every answer has the headers of `api.guards.headers`, that to a fault too."""

    def build_middleware_stack(self) -> ASGIApp:
        return SecurityHeaders(super().build_middleware_stack())


def create_app(registry: Registry, settings: Settings | None = None) -> FastAPI:
    """The app on an open registry. Closing the registry is the caller's business."""
    settings = settings or Settings()
    shelf = Shelf(settings.data / "imports")
    imports = Runner(shelf, DeskFiler(registry))
    registry.eraser.elsewhere.append(shelf.let_go)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        imports.start()
        yield
        await run_in_threadpool(imports.stop)

    app = GuardedApp(
        title="Sanquan 三权",
        summary="An open register of data rights on a ledger that anyone can verify.",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.registry = registry
    app.state.settings = settings
    app.state.imports = imports
    app.state.once = Once()
    app.state.quotas = Quotas(app.state.settings)
    app.state.publisher = Publisher(registry.engine, registry.log)
    app.add_middleware(Patience, seconds=app.state.settings.body_timeout)
    app.add_middleware(RequestQuota, quotas=app.state.quotas)
    problems.install(app)
    for router in (
        statements.router,
        acts.router,
        tokens.router,
        confidential.router,
        import_routes.router,
        documents.router,
        drafts.router,
        registers.router,
        evidence.router,
        checks.router,
        log.router,
        system.router,
        pages.router,
    ):
        app.include_router(router)
    return app
