{
    "name": "Fairlead demo",
    "version": "19.0.3.0.0",
    "summary": "Rows, a file and a page, for tests of deployments",
    "author": "Fairlead",
    "license": "LGPL-3",
    "depends": ["base", "web"],
    "data": ["security/ir.model.access.csv", "data/fl_demo.xml"],
    "post_load": "post_load",
    "installable": True,
}
