"""The quality suite: prompts with their own ground truth, variants, a judge, runs and reports."""
