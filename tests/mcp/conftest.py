"""Skips modules that import the official SDK when only everyday tests run: the import takes a second."""

from pathlib import Path

import pytest

WITH_SDK = ("test_python_client.py", "test_bridge.py")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore these modules if no long test runs."""
    return True if config.option.markexpr == "not long" and collection_path.name in WITH_SDK else None
