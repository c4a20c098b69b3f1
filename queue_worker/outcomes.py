"""How sending can fail. What these say goes to the log, so it never holds an address."""


class Refused(Exception):
    """Whoever was to pass it on will not, however often it is asked."""


class Failed(Exception):
    """It did not work this time."""
