import os

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Fails half-way, with half of its harm committed: rows, and a file of the filestore that is lost."""
    cr.execute("UPDATE fl_demo SET note = 'half-way' WHERE name IN ('one', 'two')")
    file = api.Environment(cr, SUPERUSER_ID, {}).ref("fl_demo.file")
    os.remove(file._full_path(file.store_fname))
    cr.commit()
    raise RuntimeError("fl_demo: the migration stops half-way, as it was told to")
