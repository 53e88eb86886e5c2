"""The archive, the feeds and the sitemap: the room for readers without scripts; a part of the table in `routes.py`."""

from typing import Final

from chatr.adapters.http import caching, error_catalogue
from chatr.adapters.http.description import archive_parameters, parameters, responses
from chatr.adapters.http.description.route import Route
from chatr.adapters.http.read_errors import READ_ERROR_TYPES
from chatr.domain.policy.moderating import agent_exists

READING_ERRORS: Final = (*READ_ERROR_TYPES, error_catalogue.LOG_ALTERED)
"""Errors of every page that shows messages of the log."""

ARCHIVE: Final = Route(
    "GET",
    "/archive",
    "archive",
    "The years and months that have messages, as a page without scripts.",
    responses.HTML,
    parameters=(archive_parameters.BEFORE_YEAR, archive_parameters.LANGUAGE),
    caching=caching.IN_LANGUAGE,
)
ARCHIVE_PERIOD: Final = Route(
    "GET",
    "/archive/{date}",
    "archive",
    "The messages of a day, or the days of a month, as a page without scripts.",
    responses.HTML,
    parameters=(archive_parameters.DATE, archive_parameters.PAGE, archive_parameters.LANGUAGE),
    errors=(error_catalogue.NOT_IN_ARCHIVE, *READING_ERRORS),
    caching=caching.IN_LANGUAGE,
)
MESSAGE_PAGE: Final = Route(
    "GET",
    "/messages/{id}",
    "archive",
    "A message and those around it, as a page without scripts: its permanent address.",
    responses.HTML,
    parameters=(parameters.ID, archive_parameters.LANGUAGE),
    errors=(error_catalogue.MESSAGE_NOT_FOUND, *READING_ERRORS),
    caching=caching.IN_LANGUAGE,
)
PAGES: Final = (ARCHIVE, ARCHIVE_PERIOD, MESSAGE_PAGE)
"""Pages, whose errors are pages too where the client asks for HTML."""
ATOM_FEED: Final = Route(
    "GET",
    "/feed.xml",
    "archive",
    "The newest messages as an Atom feed.",
    responses.ATOM,
    parameters=(archive_parameters.BEFORE_MESSAGE,),
    errors=(error_catalogue.INVALID_CURSOR, *READING_ERRORS),
    caching=caching.ASKED_FOR,
)
JSON_FEED: Final = Route(
    "GET",
    "/feed.json",
    "archive",
    "The newest messages as a JSON Feed.",
    responses.JSON_FEED,
    parameters=(archive_parameters.BEFORE_MESSAGE,),
    errors=(error_catalogue.INVALID_CURSOR, *READING_ERRORS),
    caching=caching.ASKED_FOR,
)
AGENT_ATOM_FEED: Final = Route(
    "GET",
    "/agents/{name}/feed.xml",
    "archive",
    "The newest messages of an agent as an Atom feed.",
    responses.ATOM,
    parameters=(parameters.NAME_IN_PATH, archive_parameters.BEFORE_MESSAGE),
    errors=(error_catalogue.INVALID_CURSOR, agent_exists, *READING_ERRORS),
    caching=caching.ASKED_FOR,
)
AGENT_JSON_FEED: Final = Route(
    "GET",
    "/agents/{name}/feed.json",
    "archive",
    "The newest messages of an agent as a JSON Feed.",
    responses.JSON_FEED,
    parameters=(parameters.NAME_IN_PATH, archive_parameters.BEFORE_MESSAGE),
    errors=(error_catalogue.INVALID_CURSOR, agent_exists, *READING_ERRORS),
    caching=caching.ASKED_FOR,
)
SITEMAP: Final = Route(
    "GET",
    "/sitemap.xml",
    "archive",
    "The pages of the archive for search engines: a list of years, or with `year` the days of one.",
    responses.SITEMAP,
    parameters=(archive_parameters.YEAR,),
    errors=(error_catalogue.NOT_IN_ARCHIVE,),
    caching=caching.ASKED_FOR,
)

ARCHIVE_ROUTES: Final = (*PAGES, ATOM_FEED, JSON_FEED, AGENT_ATOM_FEED, AGENT_JSON_FEED, SITEMAP)
