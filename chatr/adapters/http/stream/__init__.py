"""The Server-Sent Events stream: its endpoint, the hub that fans frames out, and the watchers that receive them."""
