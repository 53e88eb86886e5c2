"""/openapi.json, generated from the table of endpoints, the wire types, and the rules that are enforced."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from chatr.adapters.http.admission.admission import NodeLimits
from chatr.adapters.http.description.error_responses import errors_by_status, response_name
from chatr.adapters.http.description.openapi import document
from chatr.adapters.http.description.route import Route
from chatr.adapters.http.error_catalogue import ERROR_TYPES
from chatr.adapters.http.routes import LIVE, READY, ROUTES, STREAM
from chatr.domain.limits import DEFAULT_LIMITS, HOUR, MINUTE, SECOND, Limit
from chatr.domain.policy import RULES
from chatr.domain.rule import Rule
from tests.conftest import OpenRoom, Room

URL = "https://chat.example.org"
NODE_LIMITS = NodeLimits(
    Limit(120, MINUTE), Limit(5, HOUR), streams=10, total_streams=5000, connections=256, total_connections=5900
)
OPENAPI = json.loads(json.dumps(document(ROUTES, DEFAULT_LIMITS, NODE_LIMITS, URL)))
ERROR_RESPONSES = [response["content"]["application/json"] for response in OPENAPI["components"]["responses"].values()]


def call(route: Route) -> str:
    """Return the method and the path of a route."""
    return f"{route.method} {route.path}"


def operation(route: Route) -> Any:
    """Return the description of a route in the document."""
    return OPENAPI["paths"][route.path][route.method.lower()]


def validation_errors(schema: Any, example: Any) -> list[str]:
    """Return what is wrong with an example, in the words of the validator."""
    validator = jsonschema_rs.Draft202012Validator(
        schema | {"components": OPENAPI["components"]}, validate_formats=True
    )
    return [error.message for error in validator.iter_errors(example)]


def examples(content: Any) -> Iterator[tuple[Any, Any]]:
    """Return each example of a request or response with the schema that it must match."""
    for media in content.values():
        values = [media["example"]] if "example" in media else []
        values += [example["value"] for example in media.get("examples", {}).values()]
        yield from ((media["schema"], value) for value in values)


def test_the_document_is_valid() -> None:
    """The document is valid OpenAPI 3.1."""
    assert OPENAPI["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(OPENAPI).iter_errors()] == []


async def test_the_document_is_served(open_room: OpenRoom) -> None:
    """The served document is generated with the limits in force and the public address."""
    given = {"rate_requests": NODE_LIMITS.requests, "rate_registrations": NODE_LIMITS.registrations}
    room = await open_room(public_url=URL, max_streams_per_ip=NODE_LIMITS.streams, **given)
    answer = await room.get("/openapi.json")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == OPENAPI


def test_exactly_the_routes_are_described() -> None:
    """The document describes exactly the routes that are served."""
    calls = {(method.upper(), path) for path, operations in OPENAPI["paths"].items() for method in operations}

    assert calls == {(route.method, route.path) for route in ROUTES}


def test_every_error_code_is_described() -> None:
    """The document lists every error code."""
    described = {code for content in ERROR_RESPONSES for code in content["schema"]["properties"]["code"]["enum"]}

    assert described == {rule.code for rule in RULES} | {error_type.code for error_type in ERROR_TYPES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.code}: {rule.sentence[:40]}")
def test_a_rule_is_quoted(rule: Rule[Any]) -> None:
    """The document quotes each rule's error as an agent gets it, with the limits in force."""
    values = [
        value for content in ERROR_RESPONSES for _, value in examples({"": content}) if value["code"] == rule.code
    ]

    texts = [rule.notice(value) if rule.notice else rule.text(DEFAULT_LIMITS) for value in values]
    assert [value for value, text in zip(values, texts, strict=True) if value["error"].startswith(text)] != []


def test_every_error_is_quoted_with_its_limit() -> None:
    """No sentence has a gap where a number belongs."""
    texts = {value["error"] for content in ERROR_RESPONSES for _, value in examples({"": content})}

    assert {text for text in texts if "None" in text} == set()


def test_every_group_of_errors_has_its_own_name() -> None:
    """Endpoints share a named response only if they have the same errors."""
    groups = {tuple(errors) for route in ROUTES for errors in errors_by_status(route).values()}
    names = Counter(response_name(group) for group in groups)

    assert {name: count for name, count in names.items() if count > 1} == {}


@pytest.mark.parametrize("error_response", ERROR_RESPONSES, ids=OPENAPI["components"]["responses"])
def test_error_examples_match_their_schema(error_response: Any) -> None:
    """Examples of errors match the schema of their response."""
    shown = list(examples({"": error_response}))

    assert [error for schema, value in shown for error in validation_errors(schema, value)] == []
    assert {value["code"] for _, value in shown} == set(error_response["schema"]["properties"]["code"]["enum"])


@pytest.mark.parametrize("route", ROUTES, ids=call)
def test_examples_match_their_schema(route: Route) -> None:
    """Examples of parameters, bodies and responses match their schema."""
    described = operation(route)
    parameters = [(each["schema"], each["example"]) for each in described["parameters"] if "example" in each]
    bodies = [described.get("requestBody", {}), described["responses"]["200"]]
    shown = [*parameters, *(pair for body in bodies for pair in examples(body.get("content", {})))]

    assert [error for schema, value in shown for error in validation_errors(schema, value)] == []


@pytest.mark.parametrize("route", ROUTES, ids=call)
def test_routes_that_require_a_key_say_so(route: Route) -> None:
    """A route that takes a key has both security schemes and status 401, others have neither; some need none."""
    described, needs_key = operation(route), route.requires_key or route.brings_new_key
    schemes: list[dict[str, list[str]]] = [{"bearer": []}, {"key": []}]

    assert described["security"] == (schemes if needs_key else [{}, *schemes] if route.takes_key else [])
    assert ("401" in described["responses"]) == (needs_key or route.takes_key)


@pytest.mark.parametrize("route", ROUTES, ids=call)
def test_routes_that_wait_for_the_room_say_so(route: Route) -> None:
    """While a room starts, all but the probes and the stream respond with 503, and the document says so."""
    name = operation(route)["responses"].get("503", {"$ref": ""})["$ref"].rpartition("/")[2]
    description = OPENAPI["components"]["responses"][name]["description"] if name else ""

    assert ("The room is starting" in description) == (route not in (LIVE, READY, STREAM))


async def test_an_error_example_is_the_real_response(room: Room) -> None:
    """The example of an error is exactly what an agent gets."""
    unauthorized = OPENAPI["components"]["responses"]["401.unauthorized.unauthorized_rule"]
    example, *_ = unauthorized["content"]["application/json"]["examples"].values()

    assert (await room.get("/api/me")).json == example["value"]


async def test_the_document_has_the_limits_in_force(open_room: OpenRoom) -> None:
    """Other limits make another document."""
    room = await open_room(rate_verified=Limit(7, 90 * SECOND), rate_registrations=Limit(9, 77 * SECOND))
    raw = (await room.get("/openapi.json")).raw.decode()

    assert "7 per 90 seconds" in raw
    assert "9 per 77 seconds" in raw
    assert "10 per minute" not in raw


async def test_the_document_is_ascii_and_reproducible(room: Room) -> None:
    """The document is ASCII, so that nothing garbles it, and the same bytes each time."""
    first, second = await room.get("/openapi.json"), await room.get("/openapi.json")

    assert first.raw.isascii()
    assert first.raw == second.raw


async def test_an_unchanged_document_is_not_sent_again(room: Room) -> None:
    """A client that has the document gets 304."""
    first = await room.get("/openapi.json")
    etag = next(value for name, value in first.headers.items() if name.lower() == "etag")

    assert (await room.get("/openapi.json", headers={"If-None-Match": etag})).status == 304
