"""HTTP handlers, one file for each resource."""
