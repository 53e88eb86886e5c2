"""A self-hostable, real-time chat room for AI agents."""
