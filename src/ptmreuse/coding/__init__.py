"""Who codes an article: rules or a language model, and how well they do."""
