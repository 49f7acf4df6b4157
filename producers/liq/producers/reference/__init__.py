"""Facts about the market that frames are read with, gathered while the pipeline runs.

`rates` publishes what other currencies are worth in dollars.
"""
