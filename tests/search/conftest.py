"""The path of an index."""

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of an index that does not exist yet."""
    return tmp_path / "chatr.db.search"
