"""Documents are compared by status and headers, and /openapi.json also by what it says of requests and responses."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.compatibility.exchange import Exchanges, Session
from tests.compatibility.http_client import HEAD_END, ask, body_of, get, request
from tests.compatibility.placeholders import without_values

PATHS: Final = (
    *("/", "/docs", "/skills.md", "/skill.md", "/SKILL.md", "/.well-known/agent-skills/chatr/SKILL.md"),
    *("/.well-known/agent-skills/index.json", "/heartbeat.md", "/llms.txt", "/robots.txt", "/openapi.json"),
)
REFERENCE: Final = re.compile(rb'"(page/[\w.-]+)"')
TAG: Final = re.compile(rb'\r\nEtag: ("[^"]+")\r\n')
VARYING: Final = ("Content-Length", "Etag")
Schema = Mapping[str, Any]


async def record(port: int) -> Exchanges:
    session = Session(port)
    for path in PATHS:
        await headers(session, f"GET {path}", get(path))
    page = body_of(await ask(port, get("/")))
    by_kind = {
        path.rpartition(".")[2]: path for path in sorted(f"/{match.decode()}" for match in REFERENCE.findall(page))
    }
    for kind, path in sorted(by_kind.items()):
        await headers(session, f"a page file: {kind}", get(path), f"GET /page/<file>.{kind}")
        packed = get(path, "Accept-Encoding: gzip")
        await headers(session, f"a compressed page file: {kind}", packed, f"GET /page/<file>.{kind}, compressed")
    await headers(session, "the page, compressed", get("/", "Accept-Encoding: gzip, br"))
    for path in ("/", "/skills.md", "/openapi.json"):
        await headers(session, f"HEAD {path}", request(f"HEAD {path}"), has_body=False)
        await not_modified(session, path)
    await not_modified(session, "/api/activity")
    return session.exchanges


async def headers(session: Session, title: str, raw: bytes, named: str = "", *, has_body: bool = True) -> None:
    """Add the status line and the headers of the response. `named` stands for a request whose path may change."""
    response = await ask(session.port, raw, has_body=has_body)
    session.add(title, named.encode() or raw, response.partition(HEAD_END)[0] + HEAD_END)
    session.exchanges[title] = without_values(session.exchanges[title], VARYING)


async def not_modified(session: Session, path: str) -> None:
    """A client that has the document is sent 304."""
    found = TAG.search(await ask(session.port, get(path)))
    assert found is not None
    raw = get(path, f"If-None-Match: {found[1].decode()}")
    await headers(session, f"not modified: {path}", raw, f"GET {path} with If-None-Match", has_body=False)


async def record_openapi(port: int) -> Exchanges:
    """Each operation of /openapi.json: its parameters, statuses, and the properties of its JSON responses."""
    document = json.loads(body_of(await ask(port, get("/openapi.json"))))
    return {
        f"{method.upper()} {path}": "\n".join(lines_of(operation, document))
        for path, methods in sorted(document["paths"].items())
        for method, operation in sorted(methods.items())
    }


def lines_of(operation: Schema, document: Schema) -> Iterator[str]:
    given = [resolved(each, document) for each in operation.get("parameters", ())]
    for each in sorted(f"{parameter['in']} {parameter['name']}" for parameter in given):
        yield f"parameter: {each}"
    yield f"statuses: {' '.join(sorted(operation['responses']))}"
    content = resolved(operation["responses"]["200"], document).get("content", {})
    yield f"content: {' '.join(sorted(content))}"
    if "application/json" in content:
        yield from properties("", content["application/json"]["schema"], document)
    body = resolved(operation.get("requestBody", {}), document).get("content", {})
    if "application/json" in body:
        yield from properties("request ", body["application/json"]["schema"], document)


def resolved(schema: Schema, document: Schema) -> Schema:
    """What a `$ref` points to; a schema without one is returned as it is."""
    while "$ref" in schema:
        name = schema["$ref"].removeprefix("#/").split("/")
        schema = document
        for part in name:
            schema = schema[part]
    return schema


def properties(place: str, schema: Schema, document: Schema) -> Iterator[str]:
    """A line for each property, by name: its place, its JSON types, and whether it is required."""
    schema = resolved(schema, document)
    for number, each in enumerate(alternatives(schema)):
        yield from properties(f"{place}<{number}>", each, document)
    if "items" in schema:
        yield from properties(f"{place}[]", schema["items"], document)
    for name, each in sorted(schema.get("properties", {}).items()):
        required = " required" if name in schema.get("required", ()) else ""
        yield f"{place}.{name}: {' '.join(types(each, document))}{required}"
        yield from properties(f"{place}.{name}", each, document)


def alternatives(schema: Schema) -> list[Schema]:
    return [each for kind in ("anyOf", "oneOf", "allOf") for each in schema.get(kind, ())]


def types(schema: Schema, document: Schema) -> list[str]:
    """The JSON types that a schema allows, by name."""
    schema = resolved(schema, document)
    given = schema.get("type", [])
    own = {given} if isinstance(given, str) else set(given)
    if "const" in schema:
        own.add(json.dumps(schema["const"]))
    return sorted(own.union(*(types(each, document) for each in alternatives(schema))))
