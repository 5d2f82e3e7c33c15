"""`/`, `/docs` and `/problems/…`: plain HTML, no script, nothing from a foreign host."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.deps import PublisherDep, RegistryDep
from api.problems import language_of
from registry.reading import not_found
from registry.refusals.catalogue import CATALOGUE

router = APIRouter(include_in_schema=False)
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_TEMPLATES = Environment(
    loader=PackageLoader("api.web", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def _page(request: Request, template: str, **values: Any) -> HTMLResponse:
    wanted = request.query_params.get("lang")
    language = wanted if wanted in ("zh", "en") else language_of(request)
    html = _TEMPLATES.get_template(template).render(zh=language == "zh", path=request.url.path, **values)
    headers = {"Content-Security-Policy": _POLICY, "Vary": "Accept-Language", "Content-Language": language}
    return HTMLResponse(html, headers=headers | {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"})


@router.get("/")
def home(request: Request, registry: RegistryDep, publisher: PublisherDep) -> HTMLResponse:
    """What this is and where to go."""
    facts = registry.reader.registry()
    return _page(request, "home.html", facts=facts, size=publisher.state().published)


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """The API, route by route, from the OpenAPI document."""
    return _page(request, "docs.html", api=request.app.openapi())


@router.get("/problems")
def problem_index(request: Request) -> HTMLResponse:
    """Every code with what it means."""
    return _page(request, "problems.html", entries=[CATALOGUE[code] for code in sorted(CATALOGUE)])


@router.get("/problems/{code}")
def problem(request: Request, code: str) -> HTMLResponse:
    """What a code means and what to do."""
    if code not in CATALOGUE:
        raise not_found(f"problem {code}", f"代码 {code}")
    return _page(request, "problems.html", entries=[CATALOGUE[code]])


@router.get("/static/sanquan.css")
def style() -> Response:
    """The style sheet."""
    source = _TEMPLATES.get_template("sanquan.css").render()
    return Response(source, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})
