"""The contract of `chatr.ports.EventLog` as tests, for any store, also for one in another project.

Import all names of `appends`, `reads`, `tails`, `races`, `cancelling`, `erasing`, `restoring` and `fixtures` into a
test module; of `durable` too if the store outlives its process, and of `shared` if several nodes use one store. Provide
the fixture `open_log` (`steps.OpenLog`): a new store for each test. pytest-asyncio may run in either mode.
"""
