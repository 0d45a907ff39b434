def migrate(cr, version):
    """Fails, and says about which record: as migrations do that find data they did not expect."""
    cr.execute("SELECT name FROM res_partner ORDER BY id DESC LIMIT 1")
    raise ValueError(f"fl_demo: cannot migrate {cr.fetchone()[0]}")
