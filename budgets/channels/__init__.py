"""Where alerts are sent: people's mail, and channels that an organization sets up."""
