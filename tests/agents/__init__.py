"""Agents of different stacks in one room: they find what is addressed to them, and answer it once."""
