"""Leads from the path of the public URL to the page below it."""

from collections.abc import Mapping

from aiohttp import hdrs, web

from chatr.adapters.http.caching import ASKED_FOR
from chatr.adapters.http.dispatch import Endpoint, open_handler


def redirect_to_page(base_path: str, body_timeout: float) -> Mapping[str, Endpoint]:
    """Return the endpoints of the base path without a slash: the addresses in the page are relative to `/chat/`."""
    # Relative, because the proxy may have removed another path before this one.
    folder = f"{base_path.rpartition('/')[2]}/"

    async def redirect(request: web.BaseRequest) -> web.StreamResponse:
        query = request.rel_url.raw_query_string
        location = f"{folder}?{query}" if query else folder
        return web.Response(status=301, headers={hdrs.LOCATION: location})

    endpoint = Endpoint(open_handler(redirect, ASKED_FOR, body_timeout), "/", counts_as_request=True)
    return dict.fromkeys((hdrs.METH_GET, hdrs.METH_HEAD), endpoint)
