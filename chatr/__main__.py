"""python -m chatr."""

from chatr.cli import main

main()
