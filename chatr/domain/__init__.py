"""The rules of the room as pure code: no clock, no randomness, no input or output.

Start reading with events.py, commands.py and policy/. decide.py turns a command into an event; room.py folds events.
"""
