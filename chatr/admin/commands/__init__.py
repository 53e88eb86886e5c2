"""Operators' commands, by what they are about. Each takes an operator and a request, and yields replies."""
