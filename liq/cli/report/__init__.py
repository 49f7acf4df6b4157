"""The report: the main queries of the SQL cookbook, in the terminal or as one page."""
