"""Words as values: lyrics with times, and the formats they are kept in."""
