"""The app: routes, errors, and what handlers share. Nothing happens at import."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api import problems
from api.guards.bodies import Patience
from api.guards.headers import GuardedApp
from api.guards.log_files import PublicFiles
from api.guards.requests import RequestQuota
from api.imports.filing import DeskFiler
from api.imports.runner import Runner
from api.imports.shelf import Shelf
from api.limits import Quotas
from api.policies import policy_of
from api.publishing import LogFiles
from api.settings import Settings
from api.signed_requests import Once
from api.v1 import acts, checks, confidential, documents, drafts, evidence, log, registers, statements, system, tokens
from api.v1 import imports as import_routes
from api.web import pages
from registry.publishing import Pace, Publisher
from registry.refusals.refusal import Words
from registry.registry import Registry

THREADS = 96
"""Handlers that wait at once for the writer."""


def create_app(registry: Registry, settings: Settings | None = None) -> FastAPI:
    """The app on an open registry. Closing the registry is the caller's business.

    Raises:
        SettingError: the policy of the settings is none for this log.
    """
    settings = settings or Settings()
    shelf = Shelf(settings.data / "imports")
    imports = Runner(shelf, DeskFiler(registry))
    publisher = _publisher(registry, settings)
    registry.eraser.elsewhere.append(shelf.let_go)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        imports.start()
        publisher.start()
        yield
        await run_in_threadpool(publisher.stop)
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
    app.state.publisher = publisher
    app.state.log_files = LogFiles(registry.engine, registry.log.storage)
    app.add_middleware(Patience, seconds=app.state.settings.body_timeout)
    app.add_middleware(RequestQuota, quotas=app.state.quotas)
    app.add_middleware(PublicFiles)
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


def _publisher(registry: Registry, settings: Settings) -> Publisher:
    """Publishes what the office writes, and closes it should a witness know better."""
    office = registry.office

    def close_office(why: Words) -> None:
        office.read_only = office.read_only or why

    publisher = Publisher(
        registry.engine, registry.log, policy_of(settings, registry.log.verifier_keys()),
        pace=Pace(deadline=settings.witness_deadline), is_new=registry.is_new,
        is_closed=lambda: office.read_only is not None, on_dispute=close_office,
    )  # fmt: skip
    office.written.append(publisher.wake)
    return publisher
