"""Adapters: each implements a port of `chatr.ports` with one technology, or serves HTTP."""
