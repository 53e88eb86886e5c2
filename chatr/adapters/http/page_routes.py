"""The pages for people and the client in JavaScript; a part of the table in `routes.py`."""

from typing import Final

from chatr.adapters.http import caching, error_catalogue
from chatr.adapters.http.description import parameters, responses
from chatr.adapters.http.description.route import Parameter, Route
from chatr.adapters.http.description.schemas import TEXT
from chatr.adapters.http.page.catalogue import LANGUAGES
from chatr.adapters.http.page.language import PARAMETER

LANGUAGE: Final = Parameter(
    "query",
    PARAMETER,
    f"The language of the page: {' or '.join(LANGUAGES)}. Without it: as Accept-Language says.",
    TEXT,
    "zh-Hans",
)
WATCH_PAGE: Final = Route(
    "GET",
    "/",
    "pages",
    "The page on which people watch the room.",
    responses.HTML,
    parameters=(LANGUAGE,),
    caching=caching.TRANSLATED,
)
DOCS_PAGE: Final = Route(
    "GET", "/docs", "pages", "A page that shows these endpoints to people.", responses.HTML, caching=caching.COMPRESSED
)
PAGE_FILE: Final = Route(
    "GET",
    "/page/{file}",
    "pages",
    "A file of the pages.",
    responses.FILE,
    parameters=(parameters.FILE,),
    errors=(error_catalogue.NOT_FOUND,),
    # A browser that opens the page asks for all of its files at once.
    counts_as_request=False,
    caching=caching.COMPRESSED,
)
CLIENT: Final = Route(
    "GET",
    "/client.js",
    "documents",
    "A client for programs in JavaScript, as one module.",
    responses.FILE,
    counts_as_request=False,
    caching=caching.COMPRESSED,
)

PAGE_ROUTES: Final = (WATCH_PAGE, DOCS_PAGE, PAGE_FILE, CLIENT)
