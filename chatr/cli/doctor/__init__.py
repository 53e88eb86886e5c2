"""The checks of `chatr doctor`, one module for each kind. Each yields what it found, and raises nothing expected."""
