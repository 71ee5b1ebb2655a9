"""Words and word forms of English, as data."""
