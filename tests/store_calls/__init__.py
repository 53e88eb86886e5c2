"""Every call of the store fails once, before it took effect or after it."""
