"""`liq import`: files of archives, their destinations, and the progress of an import."""
