"""What this study asks of the tables, and whether another analyst would find the same."""
