"""Plans in the words of other tools, and back: one module for each tool. Pure; no torch."""
