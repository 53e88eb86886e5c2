"""One node: follows the log, decides commands, reads messages and reports whether it is ready."""
