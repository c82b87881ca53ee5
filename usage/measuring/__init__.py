"""From what a customer's code sends to events and their sums: read, priced, stored once and added up."""
