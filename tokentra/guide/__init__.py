"""The guide: what TokenTra tells its users about itself, written in docs/guide and served at /docs/."""
