"""Commands in plain English: from an instruction to edits of a plan."""
