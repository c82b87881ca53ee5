"""Single sign-on of an organization: its own identity provider, for domains that it has proved."""
