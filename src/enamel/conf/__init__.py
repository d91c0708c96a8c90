"""Configuration: one frozen Struct per section, read once and handed down."""
