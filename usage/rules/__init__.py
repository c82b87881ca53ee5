"""Rules that look for savings in a period's use. Pure: figures and a price function in, findings out."""
