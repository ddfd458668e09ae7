"""The commands of ``python -m ptmreuse``: what each takes, and the few lines that it is."""
