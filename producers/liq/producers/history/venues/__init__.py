"""The histories of the venues: one module per venue, each of which declares HISTORIES."""
