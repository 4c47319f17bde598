"""What each code means, in one line."""

TITLES: dict[str, str] = {}
