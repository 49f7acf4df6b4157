"""The Faust workers: `agents` holds the apps and their agents, `worker.run` runs one of them.

Nothing is re-exported here: both import Faust, which the readers of `merge` or `batches` do not.
"""
