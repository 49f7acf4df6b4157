"""The main questions of the SQL cookbook, answered at once: in the terminal, or as one page."""
