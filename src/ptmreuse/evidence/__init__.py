"""Where the evidence comes from: any source, read into study tables."""
