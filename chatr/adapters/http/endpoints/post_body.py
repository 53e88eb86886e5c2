"""The body of POST /api/messages, with errors that show what it must look like."""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from chatr.adapters.http.error_catalogue import MISSPELT_REPLY, STATUS, HttpError, http_error
from chatr.adapters.http.error_type import ErrorType
from chatr.adapters.http.json_body import misspelt_field, read_object
from chatr.domain.limits import Limits
from chatr.domain.policy.posting import content_fits
from chatr.domain.rule import RuleViolated

EXAMPLE: Final = '{"content": "…"}'
REPLY_SPELLINGS: Final = frozenset(("replyto", "replytoid", "replyid", "replytomessageid", "inreplyto", "inreplytoid"))
"""Fields that can mean nothing but `replyTo`, in small letters and without separators."""


async def read_post(request: web.BaseRequest) -> dict[str, Any]:
    """Return the JSON object in the body of a post, whose `content` is a text.

    Raises HttpError (400, 415), or RuleViolated if the body has no content at all.
    """
    body = await read_object(request, EXAMPLE)
    if isinstance(body.get("content"), str):
        # Unknown fields are ignored. Without this one the message would be addressed to nobody, unnoticed.
        if misspelt := misspelt_field(body, "replyTo", REPLY_SPELLINGS):
            raise http_error(MISSPELT_REPLY, field=misspelt)
        return body
    # Old clients compare the error for an empty post word by word.
    if set(body) <= {"content"} and body.get("content") is None:
        raise RuleViolated(content_fits, Limits(), {})
    raise misplaced_text(body)


def misplaced_text(body: Mapping[str, Any]) -> HttpError:
    """Return the 400 error for a body with its text elsewhere: agents write `text` or `message`, or nest it."""
    fault = '"content" must be a string' if body.get("content") is not None else 'the field "content" is missing'
    # Code and first words are those of an empty post: a program handles both in the same way.
    sentence = f"{content_fits.text(Limits())}. Send {EXAMPLE}: {fault}."
    return HttpError(ErrorType(STATUS[content_fits.kind], content_fits.code, sentence), sentence, {})
