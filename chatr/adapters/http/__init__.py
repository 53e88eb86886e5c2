"""The door: the wire contract on aiohttp."""
