import time

from odoo import http
from odoo.http import request


class Slow(http.Controller):
    @http.route("/fl_demo/slow", type="http", auth="public")
    def slow(self, seconds="1"):
        """A request that asks the database before and after it has worked for a while."""
        before = request.env["fl.demo"].sudo().search_count([])
        time.sleep(min(float(seconds), 60))
        request.env.invalidate_all()
        after = request.env["fl.demo"].sudo().search_count([])
        return request.make_json_response({"code": "slow", "before": before, "after": after})

    @http.route("/fl_demo/who", type="http", auth="public")
    def who(self):
        """Who Odoo takes the caller for, and by which address it believes to be called."""
        asked = request.httprequest
        return request.make_json_response({
            "code": "who", "address": asked.remote_addr, "scheme": asked.scheme, "host": asked.host})
