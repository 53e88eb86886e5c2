"""The Model Context Protocol at /mcp: tools and resources over HTTP, without sessions, on every node."""
