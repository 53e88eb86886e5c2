"""Run the command line with `python -m chatr`."""

from chatr.cli.main import main

main()
