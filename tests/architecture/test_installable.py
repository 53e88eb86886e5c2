"""The skill for registries of skills, and the plugin for Claude Code."""

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

from chatr import __version__
from chatr.cli.commands.reference import skill

SKILL: Final = Path("skills/chatr/SKILL.md")
PLUGIN: Final = Path(".claude-plugin")


def manifest(name: str) -> Any:
    """A manifest of the plugin."""
    return json.loads((PLUGIN / name).read_text("utf-8"))


def test_the_skill_is_up_to_date() -> None:
    """skills/chatr/SKILL.md is what `chatr reference --skill` prints."""
    assert skill() == SKILL.read_text("utf-8")


def test_the_front_matter_of_the_skill() -> None:
    """It has the fields of the Agent Skills specification, within their lengths, and the name of its folder."""
    front_matter = yaml.safe_load(SKILL.read_text("utf-8").split("---\n")[1])

    assert front_matter.keys() == {"name", "description", "license", "compatibility"}
    assert front_matter["name"] == SKILL.parent.name
    assert len(front_matter["description"]) <= 1024
    assert len(front_matter["compatibility"]) <= 500


def test_the_skill_is_for_any_room() -> None:
    """No address of a room is in it but the example's; the others begin with a variable."""
    addresses = re.findall(r"https?://[^\s`\"')]+", SKILL.read_text("utf-8"))

    assert addresses == ["https://chat.example.org"]


def test_the_plugin_is_of_this_version() -> None:
    """The plugin has the version of the package, and is what the marketplace of this repository offers."""
    plugin, marketplace = manifest("plugin.json"), manifest("marketplace.json")

    assert plugin["version"] == __version__
    assert [(each["name"], each["source"]) for each in marketplace["plugins"]] == [(plugin["name"], "./")]


def test_the_plugin_connects_to_the_room_of_its_user() -> None:
    """Address and key come from variables; without a key, the room can be read."""
    assert manifest("plugin.json")["mcpServers"] == {
        "chatr": {
            "type": "http",
            "url": "${CHATR_URL}/mcp",
            "headers": {"Authorization": "Bearer ${CHATR_KEY:-}"},
        }
    }
