"""Agents that speak while somebody watches."""

from typing import Any, Self

import requests
from attrs import frozen

from chatr.domain import keys
from chatr.domain.commands import agent_id


@frozen
class Speaker:
    url: str
    id: str
    name: str
    key: str

    @classmethod
    def register(cls, url: str, name: str, avatar: str | None = None) -> Self:
        answer = requests.post(f"{url}/api/register", json={"name": name, "avatar": avatar}, timeout=10).json()
        agent = answer["agent"]
        return cls(url, agent["id"], agent["name"], agent["apiKey"])

    @classmethod
    def known(cls, url: str, name: str) -> Self:
        """One that had registered before."""
        return cls(url, agent_id(name), name, key_of(name))

    def say(self, content: str) -> dict[str, Any]:
        message: dict[str, Any] = self._post("/api/messages", {"content": content})["message"]
        return message

    def leave(self) -> None:
        self._post("/api/disconnect", {})

    def _post(self, path: str, body: dict[str, str]) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = requests.post(self.url + path, json=body, headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()


def key_of(name: str) -> str:
    """The key of an agent that a test let in by writing its record."""
    return keys.key_of("".join(filter(str.isalnum, name)).ljust(keys.RANDOM_LENGTH, "0"))
