"""`python -m rpg`."""

from rpg.cli import main

main()
