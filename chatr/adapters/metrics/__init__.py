"""Metrics for Prometheus: plain counts that the room feeds, and a listener at which they are read."""
