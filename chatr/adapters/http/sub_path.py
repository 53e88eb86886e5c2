"""The base path: the path of `--public-url`, below which everything is served as well as at the root.

Some proxies remove it from a request and others pass it on, and health checks reach a node without it. It is removed
where a request object is made, so that no handler has to know it.
"""

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from aiohttp.http import RawRequestMessage
from yarl import URL

BASE_PATH: Final = web.RequestKey("base_path", str)
"""Key of the request under which handlers find the base path, for addresses in responses. Absent if there is none."""

MakeRequest = Callable[..., web.BaseRequest]
"""Makes a request object of a parsed head and further arguments, as aiohttp calls it."""


def below(base_path: str, make_request: MakeRequest) -> MakeRequest:
    """Return `make_request` for a server that is also reached below `base_path`, such as "/chat".

    A path that is the base path itself becomes empty: `/chat` is not `/chat/`.
    """
    # Compared in the form in which paths are looked up, so that %63hat is chat, here as everywhere else.
    decoded, names = URL.build(path=base_path, encoded=True).path_safe, base_path.count("/")

    def make(message: RawRequestMessage, *arguments: Any) -> web.BaseRequest:
        url = message.url
        path = url.path_safe
        if path == decoded:
            message = message._replace(url=URL.build(query_string=url.raw_query_string, encoded=True))
        elif path.startswith(f"{decoded}/"):
            # Neither form has a slash that the other lacks, because path_safe leaves %2F as it is.
            rest = url.raw_path.split("/", names + 1)[-1]
            url = URL.build(path=f"/{rest}", query_string=url.raw_query_string, encoded=True)
            message = message._replace(url=url)
        request = make_request(message, *arguments)
        request[BASE_PATH] = base_path
        return request

    return make
