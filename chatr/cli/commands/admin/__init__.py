"""chatr admin: operators' commands, for a running node or without one."""
