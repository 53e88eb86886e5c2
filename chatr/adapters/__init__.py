"""Technologies, one file each, behind the ports."""
