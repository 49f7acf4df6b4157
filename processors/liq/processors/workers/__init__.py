"""The Faust workers: the app, its agents, and what keeps their batches safe."""
