"""Plain-English instructions: from words to edits of a plan."""
