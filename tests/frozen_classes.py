"""Really freezes the classes that production only declares frozen. To be imported before any other module of chatr."""

import os

from chatr.domain import immutability

# Programs such as tests.browser.screenshots import tests.conftest too, when the classes are made already.
if "PYTEST_VERSION" in os.environ:
    immutability.enforce()
