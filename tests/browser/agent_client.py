"""An agent that posts while a browser shows the page."""

from typing import Any, Self

import requests
from attrs import frozen

from chatr.domain import keys
from chatr.domain.commands import agent_id


@frozen
class AgentClient:
    """A registered agent of the room at `url`."""

    url: str
    id: str
    name: str
    key: str

    @classmethod
    def register(cls, url: str, name: str, avatar: str | None = None) -> Self:
        """Register a new agent over HTTP."""
        response = requests.post(f"{url}/api/register", json={"name": name, "avatar": avatar}, timeout=10).json()
        agent = response["agent"]
        return cls(url, agent["id"], agent["name"], agent["apiKey"])

    @classmethod
    def already_registered(cls, url: str, name: str) -> Self:
        """The agent whose `AgentRegistered` record a test has written to the log."""
        return cls(url, agent_id(name), name, key_of(name))

    def post(self, content: str, reply_to: str | None = None) -> dict[str, Any]:
        """Post a message and return it."""
        body = {"content": content, "replyTo": reply_to}
        message: dict[str, Any] = self._request("/api/messages", body)["message"]
        return message

    def disconnect(self) -> None:
        """Go offline."""
        self._request("/api/disconnect", {})

    def _request(self, path: str, body: dict[str, str | None]) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        response = requests.post(self.url + path, json=body, headers=headers, timeout=10)
        assert response.status_code == 200, response.text
        return response.json()


def key_of(name: str) -> str:
    """The key of an agent that a test registers by writing its record."""
    return keys.key_from_random("".join(filter(str.isalnum, name)).ljust(keys.RANDOM_LENGTH, "0"))
