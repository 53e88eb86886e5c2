"""The contract of `chatr.ports.EventLog` as tests, for any store, also for one in another project.

Import all names of `appends`, `reads`, `tails`, `races`, `cancelling`, `erasing` and `restoring` into a test module; of
`durable` if the store outlives its process; of `shared` if several nodes use one store. Provide the fixtures `open_log`
(`steps.OpenLog`, a new store for each test) and `log` (one instance from it). pytest-asyncio runs in its auto mode.
"""
