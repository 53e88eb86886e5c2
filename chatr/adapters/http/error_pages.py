"""Errors of the archive's pages as pages, for people with a browser. Programs get JSON, as everywhere else."""

from html import escape
from typing import Final

from aiohttp import hdrs, web
from attrs import evolve

from chatr.adapters.http.access_errors import READING_NEEDS_KEY
from chatr.adapters.http.archive_routes import PAGES
from chatr.adapters.http.dispatch import PARAMETER, Endpoint, EndpointTable, Handler
from chatr.adapters.http.endpoints.watch_page import HEADERS
from chatr.adapters.http.error_catalogue import JSON, REQUEST_RATE_LIMITED, HttpError, http_error
from chatr.adapters.http.errors import logged_http_error, render_error, request_refusal, response_with
from chatr.adapters.http.page import language
from chatr.adapters.http.page.archive_document import PageContext, document
from chatr.adapters.http.page.catalogue import text
from chatr.adapters.http.text_response import preference

HTML: Final = "text/html"


def with_error_pages(table: EndpointTable, request_limit: str) -> EndpointTable:
    """Return the endpoints with pages as the errors of pages; `request_limit` is that of one address, as text."""
    paths = [PARAMETER.sub("{}", route.path) for route in PAGES]
    return {
        **table,
        **{
            path: {method: with_error_page(endpoint, request_limit) for method, endpoint in table[path].items()}
            for path in paths
        },
    }


def with_error_page(endpoint: Endpoint, request_limit: str) -> Endpoint:
    """Return the endpoint of a page with pages as its errors, for clients that ask for HTML."""

    async def refuse(request: web.BaseRequest, seconds: int) -> web.StreamResponse:
        if not wants_html(request):
            return request_refusal(request, request_limit, seconds)
        return error_page(request, http_error(REQUEST_RATE_LIMITED, limit=request_limit, retryAfter=seconds))

    return evolve(endpoint, handler=answering_with_pages(endpoint.handler), refuse=refuse)


def answering_with_pages(handler: Handler) -> Handler:
    """Return a handler that answers with a page where `handler` raises an error."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handler(request)
        except ConnectionError:
            raise  # the client has gone, so there is nobody to answer
        except Exception as error:
            if not wants_html(request):
                raise
            return error_page(request, logged_http_error(request, error))

    return handle


def wants_html(request: web.BaseRequest) -> bool:
    """Return whether a request prefers HTML, as those of browsers do and those of programs do not."""
    accept = ",".join(request.headers.getall(hdrs.ACCEPT, ()))
    html = preference(accept, HTML)
    return html[0] > 0 and html > preference(accept, JSON)


def error_page(request: web.BaseRequest, error: HttpError) -> web.StreamResponse:
    """Return the page that says what went wrong and where to go."""
    named, tag = language.PARAMETER in request.query, language.requested_language(request)
    context = PageContext("", request.rel_url.raw_path.removeprefix("/"), tag, named, is_indexed=False)
    if error.code == READING_NEEDS_KEY.code:
        title, advice = "key.private", context.text("key.explanation")
    elif error.status == 404:
        title, advice = "archive.not-found", context.link("archive", context.text("archive.title"))
    else:
        # The sentences of errors are English in every language.
        title, advice = "archive.failed", f'<span lang="en">{escape(str(error))}</span>'
    links = context.steps("archive.more", [context.link("", context.text("archive.room"))])
    page = document(context, text(tag, title), f"    <p>{advice}</p>\n{links}", head="")
    rendered = render_error(error, "", accept="")
    headers = {**dict(rendered.headers), **HEADERS, hdrs.CONTENT_TYPE: f"{HTML}; charset=utf-8"}
    return response_with(request, evolve(rendered, headers=tuple(headers.items()), body=page.encode()))
