"""What is raised for somebody whom an organization cannot bring in."""


class Unwelcome(Exception):
    """The text says why, to whoever may hear it."""
