/// Up to where retention dropped the texts of a log: a checkpoint of that part, signed with the
/// log's key. Whoever has only the database cannot say that more was dropped than was.
#pragma once

#include "common/crypto/note.hpp"
#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <optional>
#include <string>

namespace fairlead::audit {

/// The first line of its note, which no checkpoint of a log has.
std::string horizon_origin(const std::string& log);

/// Nothing where every text must be there. Errc::conflict when the row is not what this key signed
/// for this log; that the root fits is for the caller to see.
Result<std::optional<crypto::Checkpoint>>
horizon(store::Connection& db, const api::OrgScope& scope, const crypto::NoteVerifier& verifier);

} // namespace fairlead::audit
