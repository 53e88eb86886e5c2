"""Every store keeps the contract of an event log."""

from chatr.testing.contract.appends import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.cancelling import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.erasing import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.races import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.reads import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.restoring import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.tails import *  # noqa: F403 -- the tests are whatever the contract names
