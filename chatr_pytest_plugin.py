"""A plugin for pytest, for projects that test with `chatr.testing`. pytest loads it wherever chatr is installed.

It stands outside of the package, so that loading it imports nothing of chatr: tests of a source tree would otherwise
run on an installed version, whose package was imported before the source tree is on the path.
"""

# Older versions of pytest lack the types below, and the plugin is loaded there, too.
from __future__ import annotations

from inspect import iscoroutinefunction

import pytest

CONTRACT = "chatr.testing.contract"
MARKED = "_runs_in_a_loop"
"""An attribute of tests that have the marker: a test is collected once for each module that imports it."""

# With a diff of both sides where an assertion fails, as in a project's own tests. `assert` also works under python -O.
pytest.register_assert_rewrite("chatr.testing")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of slow tests, for projects with --strict-markers."""
    config.addinivalue_line("markers", "long: takes longer than one wants to wait after every change")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> None:
    """Let pytest-asyncio run the tests of the contract in its strict mode too, which is its default."""
    # A function that was made by `exec` may have no module.
    if not iscoroutinefunction(obj) or not str(obj.__module__).startswith(CONTRACT):
        return
    # pytest-asyncio is recognised by its option, because the plugin may be loaded under several names.
    if not hasattr(collector.config.option, "asyncio_mode"):
        raise collector.CollectError("The contract needs pytest-asyncio: install chatr with its extra testing.")
    if not hasattr(obj, MARKED):
        # The loop of each test, whatever the project has set for its own tests: the fixture `log` is opened in it, too.
        pytest.mark.asyncio(loop_scope="function")(obj)
        setattr(obj, MARKED, True)
