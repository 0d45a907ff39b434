/// Paths that the edge answers by itself. Plain functions.
#pragma once

#include <string_view>

namespace fairlead::edge {

/// Whether a web server would look for a proof of a name at `path` (as sent, without the query):
/// below /.well-known/fairlead-challenge, also where parts are percent-encoded, and with empty, "."
/// and ".." segments (RFC 3986 sections 5.2.4 and 6.2.2). Letters of either case differ. A proof is
/// for whoever the name is being proved to: a site behind the edge would answer it for as long as
/// it is there, whoever has the name.
bool is_proof_of_name(std::string_view path);

} // namespace fairlead::edge
