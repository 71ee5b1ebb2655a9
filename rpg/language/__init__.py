"""English: word lists, grammar, and the scene graph that a prompt describes."""
