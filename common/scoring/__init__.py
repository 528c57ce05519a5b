"""From predictions to scores, tests and verdicts."""
