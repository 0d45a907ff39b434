from odoo import fields, models


class Demo(models.Model):
    _name = "fl.demo"
    _description = "A row that migrations change"

    name = fields.Char(required=True)
    note = fields.Char(default="new")
