"""What chatr's own tests are made of, for whoever tests something that is built on chatr.

`clock` and `secrets` fulfil those ports and leave nothing to chance; `scenario` reads given(events).when(command)
.then(event); `records` makes a log of events; `contract` is what a store must keep; `strategies` makes up the rest
(it needs hypothesis, the extra `test`).
"""
