"""Which settings suit a model best: measured on prompts with known truth, and kept for it."""
