"""A run that a reviewer can judge: what it was, and how it compares with the authors'."""
