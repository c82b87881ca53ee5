"""Alerts: what is worth telling, told once, until it is over."""
