"""Shares, trends, ranks and agreement, each with an interval."""
