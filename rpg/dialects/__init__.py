"""Plans in other tools' words, and back."""
