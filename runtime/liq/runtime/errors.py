"""Errors that end a process."""


class ConfigurationError(Exception):
    """A setting is wrong or missing; the message says what to set."""


class DependencyError(Exception):
    """A service that the worker needs did not answer within its limit."""
