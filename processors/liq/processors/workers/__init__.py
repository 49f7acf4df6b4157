"""The Faust workers: `agents` defines the apps and their agents, `worker.run` runs one of them.

This package re-exports nothing, because both import Faust, which users of `merge` do not need.
"""
