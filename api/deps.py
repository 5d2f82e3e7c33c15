"""What handlers ask for. Everything is made when the app is, nothing at import."""

from typing import Annotated

from fastapi import Depends, Request

from api.imports.runner import Runner
from api.limits import Quotas
from api.publishing import LogFiles
from api.settings import Settings
from registry.publishing import Publisher
from registry.reading import Reader
from registry.registry import Registry


async def _registry(request: Request) -> Registry:
    registry: Registry = request.app.state.registry
    return registry


async def _reader(request: Request) -> Reader:
    registry: Registry = request.app.state.registry
    return registry.reader


async def _publisher(request: Request) -> Publisher:
    publisher: Publisher = request.app.state.publisher
    return publisher


async def _log_files(request: Request) -> LogFiles:
    files: LogFiles = request.app.state.log_files
    return files


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _quotas(request: Request) -> Quotas:
    quotas: Quotas = request.app.state.quotas
    return quotas


async def _imports(request: Request) -> Runner:
    imports: Runner = request.app.state.imports
    return imports


RegistryDep = Annotated[Registry, Depends(_registry)]
ReaderDep = Annotated[Reader, Depends(_reader)]
PublisherDep = Annotated[Publisher, Depends(_publisher)]
LogFilesDep = Annotated[LogFiles, Depends(_log_files)]
SettingsDep = Annotated[Settings, Depends(_settings)]
QuotasDep = Annotated[Quotas, Depends(_quotas)]
ImportsDep = Annotated[Runner, Depends(_imports)]
