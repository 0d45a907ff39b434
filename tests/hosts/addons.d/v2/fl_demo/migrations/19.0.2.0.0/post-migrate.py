from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    cr.execute("UPDATE fl_demo SET note = 'migrated by v2'")
    env = api.Environment(cr, SUPERUSER_ID, {})
    env.ref("fl_demo.file").raw = b"kept by v2"
