"""Keeps a room out of search engines (`--search-engines deny`)."""

from typing import Final

from attrs import evolve

from chatr.adapters.http.dispatch import EndpointTable
from chatr.adapters.http.headers import belongs_to_api

# robots.txt must allow the pages all the same: a crawler that may not read a page does not see this header, and lists
# the address if another site has a link to it.
NOINDEX: Final = {"X-Robots-Tag": "noindex"}


def without_indexing(table: EndpointTable) -> EndpointTable:
    """Return the endpoints with a header in every response that tells search engines not to list it.

    The API is left as it is: crawlers may not read it in any room.
    """
    return {
        path: methods
        if belongs_to_api(path)
        else {method: evolve(each, headers={**each.headers, **NOINDEX}) for method, each in methods.items()}
        for path, methods in table.items()
    }
