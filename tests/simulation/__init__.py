"""Simulation of a room: three nodes of the real program in one thread, on a simulated network, store and clock.

Everything is drawn from one seed, so a failure can be repeated. Begin with `world`, where things happen, and `oracle`,
which computes the expected results and checks them; `expected_keys` and `moderation` say in plain words what keys and
operators' decisions mean. `mutations` and `operator_mutations` prove that the checks notice mistakes.
"""
