"""How Toybox's weights were made: `python -m training --help`. Nothing in `rpg` depends on it."""
