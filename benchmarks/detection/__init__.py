"""Evaluation of cascade detectors: synthetic days with known cascades, scorer, rivals, table."""
