/// Imports: a database and a filestore from elsewhere, looked at first, and then put in place.
#pragma once

#include "agent/deploy/site.hpp"
#include "agent/journal/engine.hpp"

namespace fairlead::backup {

/// The Unix user and role that read what comes from elsewhere. They have nothing of their own: no
/// environment's database, files or keys are within their reach.
inline constexpr const char* import_user = "fairlead-import";

/// Fetched data that nobody used are kept so long, and of one environment no more imports than this
/// at a time.
inline constexpr auto import_kept = std::chrono::hours(24 * 7);
inline constexpr std::size_t most_imports = 5;

journal::Plan import_analyse_plan(deploy::Site& site, proto::ImportAnalyseArgs args);
journal::Plan import_run_plan(deploy::Site& site, proto::ImportRunArgs args);
journal::Plan import_discard_plan(deploy::Site& site, proto::ImportDiscardArgs args);

/// All that is there of the environment's imports goes.
Result<> forget_imports(const deploy::Layout& layout, const std::string& slug);

} // namespace fairlead::backup
