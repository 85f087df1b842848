"""What came out of runs, for people and for machines."""
