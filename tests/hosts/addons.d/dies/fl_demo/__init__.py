import os
import sys
import threading

from . import controllers, models


def _die():
    print("fl_demo: this server ends after 5 s, as it was told to", file=sys.stderr, flush=True)
    os._exit(3)


def post_load():
    """Installs and migrates well; a server that stays up is gone after five seconds."""
    from odoo.tools import config

    if not config["stop_after_init"]:
        timer = threading.Timer(5, _die)
        timer.daemon = True
        timer.start()
