"""Replication book of pre-trained model reuse in science."""
