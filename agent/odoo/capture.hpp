/// Odoo whose mail stays on this server.
#pragma once

#include "agent/odoo/odoo.hpp"

#include <string>

namespace fairlead::odoo {

/// A folder below the release's, which stands in PYTHONPATH, and the module in it that Python
/// imports by itself before anything else.
inline constexpr const char* capture_folder = "python";
inline constexpr const char* capture_file = "python/sitecustomize.py";

/// Has every connection of Python's smtplib go to the sink, whichever mail server was meant: one of
/// the database's (ir.mail_server), of a module's, or of the configuration. So it is for everything
/// that runs with a release's Python: the server, its workers and jobs, migrations. What speaks
/// another protocol, such as an HTTP API of a mail provider, is not reached by it.
std::string capture_script(const MailSink& sink);

} // namespace fairlead::odoo
