"""Every call of a store fails once, before it takes effect or after it."""
