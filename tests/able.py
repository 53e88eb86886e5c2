"""What a machine cannot run is skipped with its reason, but not where everything has to run."""

import os
from typing import NoReturn

import pytest


def unable(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
