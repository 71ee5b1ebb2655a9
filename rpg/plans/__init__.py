"""Plans: which words go where on the canvas; edits of them, and their text and picture forms."""
