from odoo import http
from odoo.http import request

CODE = "fix"


class Demo(http.Controller):
    @http.route("/fl_demo", type="http", auth="public")
    def show(self):
        """What a test compares: the code that runs, the rows it sees, and a file of the filestore."""
        rows = request.env["fl.demo"].sudo().search([], order="id")
        file = request.env.ref("fl_demo.file").sudo()
        return request.make_json_response({
            "code": CODE,
            "module": request.env["ir.module.module"].sudo().search([("name", "=", "fl_demo")]).latest_version,
            "rows": [f"{row.name}={row.note}" for row in rows],
            "file": (file.raw or b"").decode(errors="replace"),
        })
