"""Operators' commands: as data, carried out on a node, and sent to a running one through its Unix socket."""
