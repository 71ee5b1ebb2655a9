"""Edit sessions: a tree of turns that is never lost."""
