from . import controllers, models


def post_load():
    """Where the bad cases put their mischief."""
