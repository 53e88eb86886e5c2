"""Search indexes: which messages contain which words."""
