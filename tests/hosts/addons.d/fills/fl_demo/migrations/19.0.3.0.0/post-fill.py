import os

from odoo.tools import config


def migrate(cr, version):
    """Takes the whole disk, to the last byte, as another program might, and goes on; nothing here gives it back."""
    with open(os.path.join(config["data_dir"], "filler"), "wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                pass
    cr.execute("UPDATE fl_demo SET note = 'on a full disk'")
    cr.execute("CREATE TABLE fl_demo_big AS SELECT i, repeat('x', 1000) AS text FROM generate_series(1, 100000) i")
