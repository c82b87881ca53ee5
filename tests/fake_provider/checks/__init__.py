"""The fake provider held to the rules that its originals are known to keep."""
