"""/openapi.json: the endpoints as programs read them, rendered from the table and the rules that are enforced."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from chatr.adapters.http.door import DoorLimits
from chatr.adapters.http.openapi import document
from chatr.adapters.http.refusals import REFUSALS
from chatr.adapters.http.route import Route
from chatr.adapters.http.routes import ROUTES
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit, Limits
from chatr.domain.policy import RULES
from chatr.domain.rule import Rule
from tests.conftest import OpenRoom, Room

URL = "https://chat.example.org"
DOOR = DoorLimits(Limit(120, MINUTE), Limit(5, HOUR), streams=10, streams_in_all=5000)
OPENAPI = json.loads(json.dumps(document(ROUTES, Limits(), DOOR, URL)))
REFUSED = [response["content"]["application/json"] for response in OPENAPI["components"]["responses"].values()]


def call(route: Route) -> str:
    return f"{route.method} {route.path}"


def operation(route: Route) -> Any:
    return OPENAPI["paths"][route.path][route.method.lower()]


def errors(shape: Any, example: Any) -> list[str]:
    validator = jsonschema_rs.Draft202012Validator(shape | {"components": OPENAPI["components"]}, validate_formats=True)
    return [error.message for error in validator.iter_errors(example)]


def examples(content: Any) -> Iterator[tuple[Any, Any]]:
    """Each example of a body or an answer, with the schema that it must fit."""
    for media in content.values():
        values = [media["example"]] if "example" in media else []
        values += [example["value"] for example in media.get("examples", {}).values()]
        yield from ((media["schema"], value) for value in values)


def test_it_is_a_valid_document() -> None:
    """Any tool that reads OpenAPI 3.1 can read it."""
    assert OPENAPI["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(OPENAPI).iter_errors()] == []


async def test_it_is_served(open_room: OpenRoom) -> None:
    """What is served is rendered from the table, the rules, the limits in force and the public address."""
    given = {"rate_requests": DOOR.requests, "rate_registrations": DOOR.registrations}
    room = await open_room(public_url=URL, max_streams_per_ip=DOOR.streams, **given)
    answer = await room.get("/openapi.json")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == OPENAPI


def test_every_row_of_the_table_is_told_and_nothing_else() -> None:
    """What can be called and what is said to be callable are the same."""
    calls = {(method.upper(), path) for path, operations in OPENAPI["paths"].items() for method in operations}

    assert calls == {(route.method, route.path) for route in ROUTES}


def test_every_refusal_is_told() -> None:
    """A program can know every code before it meets it."""
    told = {code for content in REFUSED for code in content["schema"]["properties"]["code"]["enum"]}

    assert told == {rule.code for rule in RULES} | {refusal.code for refusal in REFUSALS}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.code}: {rule.sentence[:40]}")
def test_a_rule_is_told_in_its_own_words(rule: Rule[Any]) -> None:
    """The document quotes the refusal as an agent would get it, with the limits in force."""
    values = [value for content in REFUSED for _, value in examples({"": content}) if value["code"] == rule.code]

    assert [value["error"] for value in values if value["error"].startswith(rule.told(Limits()))] != []


@pytest.mark.parametrize("refused", REFUSED, ids=OPENAPI["components"]["responses"])
def test_a_refusal_is_what_the_document_says(refused: Any) -> None:
    """The examples of refusals have the form that is promised of them."""
    shown = list(examples({"": refused}))

    assert [error for shape, value in shown for error in errors(shape, value)] == []
    assert {value["code"] for _, value in shown} == set(refused["schema"]["properties"]["code"]["enum"])


@pytest.mark.parametrize("route", ROUTES, ids=call)
def test_an_example_is_what_the_document_says(route: Route) -> None:
    """Whoever copies an example sends or expects the right thing."""
    told = operation(route)
    parameters = [(each["schema"], each["example"]) for each in told["parameters"] if "example" in each]
    bodies = [told.get("requestBody", {}), told["responses"]["200"]]
    shown = [*parameters, *(pair for body in bodies for pair in examples(body.get("content", {})))]

    assert [error for shape, value in shown for error in errors(shape, value)] == []


@pytest.mark.parametrize("route", ROUTES, ids=call)
def test_a_key_is_asked_for_where_it_is_needed(route: Route) -> None:
    """Where an endpoint takes a key the document names both ways to send it, and the refusal without one."""
    told = operation(route)

    assert told["security"] == ([{"bearer": []}, {"key": []}] if route.keyed else [])
    assert ("401" in told["responses"]) == route.keyed


async def test_what_is_told_of_a_refusal_is_what_is_answered(room: Room) -> None:
    """The example of a refusal is, letter by letter, what an agent gets."""
    (example,) = OPENAPI["components"]["responses"]["401.unauthorized"]["content"]["application/json"][
        "examples"
    ].values()

    assert (await room.get("/api/me")).json == example["value"]


async def test_it_tells_the_limits_in_force(open_room: OpenRoom) -> None:
    """Whoever changes a limit changes the document."""
    room = await open_room(rate_verified=Limit(7, 90 * SECOND), rate_registrations=Limit(9, 77 * SECOND))
    raw = (await room.get("/openapi.json")).raw.decode()

    assert "7 per 90 seconds" in raw
    assert "9 per 77 seconds" in raw
    assert "10 per minute" not in raw


async def test_it_is_the_same_each_time(room: Room) -> None:
    """Nothing in it can be garbled on its way, and a copy can be compared byte by byte."""
    first, second = await room.get("/openapi.json"), await room.get("/openapi.json")

    assert first.raw.isascii()
    assert first.raw == second.raw


async def test_whoever_has_it_is_not_sent_it_again(room: Room) -> None:
    """Asking whether it changed costs next to nothing."""
    first = await room.get("/openapi.json")
    tag = next(value for name, value in first.headers.items() if name.lower() == "etag")

    assert (await room.get("/openapi.json", headers={"If-None-Match": tag})).status == 304
