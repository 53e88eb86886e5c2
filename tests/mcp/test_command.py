"""`chatr mcp` explains wrong use."""

import sys

import pytest

from chatr.cli.main import main


@pytest.mark.parametrize("arguments", [["--room", "chat.example.org"], ["--room", "ftp://x"], []])
def test_a_room_is_needed(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the address of a room, the command ends with a sentence that says how to give it."""
    monkeypatch.delenv("CHATR_URL", raising=False)
    with pytest.raises(SystemExit) as exited:
        main(["mcp", *arguments])

    error = capsys.readouterr().err
    assert (exited.value.code, error.count("\n"), "https://chat.example.org" in error) == (2, 1, True)


def test_a_missing_package(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra `mcp`, the command ends with a sentence that says what to install."""
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "httpx2", None)
    monkeypatch.delitem(sys.modules, "chatr.cli.mcp_bridge", raising=False)
    with pytest.raises(SystemExit) as exited:
        main(["mcp", "--room", "http://localhost:8080"])

    error = capsys.readouterr().err
    assert (exited.value.code, error.count("\n"), "with the extra mcp" in error) == (2, 1, True)
