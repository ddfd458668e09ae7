"""Claims, verdicts and the sentences that answer."""
