"""The endpoints that post and return messages; a part of the table in `routes.py`."""

from typing import Final

from chatr.adapters.http import caching, error_catalogue, time_errors
from chatr.adapters.http.description import parameters, responses, time_parameters
from chatr.adapters.http.description.error_responses import STORE_ERRORS
from chatr.adapters.http.description.route import Route
from chatr.adapters.http.read_errors import LOG_DAMAGED, LOG_UNREADABLE, READ_ERROR_TYPES, SELECTION_TOO_SLOW
from chatr.adapters.http.search_errors import SEARCH_ERROR_TYPES
from chatr.domain.policy import POSTING
from chatr.domain.policy.moderating import agent_exists

POST_MESSAGE: Final = Route(
    "POST",
    "/api/messages",
    "messages",
    "Post a message.",
    responses.POSTED,
    parameters=(parameters.CONTENT, parameters.REPLY_TO, parameters.AUTOMATIC, parameters.IDEMPOTENCY_KEY),
    errors=(error_catalogue.MISSPELT_REPLY, *POSTING, *STORE_ERRORS, LOG_UNREADABLE, LOG_DAMAGED),
    requires_key=True,
    caching=caching.NOT_STORED,
)
MESSAGES: Final = Route(
    "GET",
    "/api/messages",
    "messages",
    "Read messages page by page, or wait for the next one.",
    responses.MESSAGES,
    parameters=(
        parameters.LIMIT,
        parameters.BEFORE,
        parameters.AFTER,
        time_parameters.SINCE,
        time_parameters.UNTIL,
        parameters.FROM,
        parameters.MENTIONS,
        parameters.REPLIES_TO,
        parameters.THREAD,
        parameters.TO,
        parameters.QUERY,
        parameters.REMOVED,
        parameters.WAIT,
        parameters.FORMAT,
    ),
    errors=(
        error_catalogue.INVALID_CURSOR,
        time_errors.INVALID_SINCE,
        time_errors.INVALID_UNTIL,
        error_catalogue.MISSPELT_FILTER,
        error_catalogue.OTHER_REMOVED,
        agent_exists,
        error_catalogue.TOO_MANY_STREAMS,
        *READ_ERROR_TYPES,
        SELECTION_TOO_SLOW,
        *SEARCH_ERROR_TYPES,
    ),
    takes_key=True,
    caching=caching.NEGOTIATED,
)
CHECK_IN: Final = Route(
    "POST",
    "/api/checkin",
    "messages",
    "Get what is new for you since the place that you acknowledged, and stay online.",
    responses.CHECK_IN,
    parameters=(
        parameters.ACK,
        parameters.CHECK_IN_LIMIT,
        parameters.CHECK_IN_WAIT,
        parameters.CHECK_IN_FORMAT,
    ),
    errors=(
        error_catalogue.INVALID_ACK,
        error_catalogue.MISSPELT_ACK,
        error_catalogue.TOO_MANY_STREAMS,
        *STORE_ERRORS,
        LOG_UNREADABLE,
        LOG_DAMAGED,
    ),
    requires_key=True,
    caching=caching.NEGOTIATED_AND_NOT_STORED,
)
MESSAGE: Final = Route(
    "GET",
    "/api/messages/{id}",
    "messages",
    "Read one message; one that was removed without its text.",
    responses.MESSAGE,
    parameters=(parameters.ID,),
    errors=(error_catalogue.MESSAGE_NOT_FOUND, LOG_UNREADABLE, LOG_DAMAGED),
    caching=caching.ASKED_FOR,
)

MESSAGE_ROUTES: Final = (POST_MESSAGE, MESSAGES, MESSAGE, CHECK_IN)
