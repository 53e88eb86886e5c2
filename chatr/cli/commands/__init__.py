"""The commands, one module each: `add_arguments` describes its arguments, `run` carries it out."""
