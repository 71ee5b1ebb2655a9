"""The quality suite: prompts with their own ground truth, arms, a judge, runs and reports."""
