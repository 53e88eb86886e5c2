"""The rules of the room: pure, without clock, chance or input and output. Begin with commands, events and policy."""
