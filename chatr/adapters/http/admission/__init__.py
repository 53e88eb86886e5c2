"""Admission of requests: client address, quotas, stream slots, authentication."""
