"""A kit for testing code that is built on chatr. chatr's own tests use it too.

`clock` and `secrets` implement those ports without reading a clock or drawing random numbers. `faulty_log` is an event
log that fails on demand. `scenario` tests a decision: given(events).when(command).then(event). `records` makes the
records of a log from events, and `nodes` a node without a web server. `contract` is the test suite that every store
must pass. `strategies` generates events, commands and whole logs. The extra `testing` installs what they need.
"""
