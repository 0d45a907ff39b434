/// Runs of Odoo that do something and end: migrations, neutralising, loading a registry.
#pragma once

#include "agent/deploy/parts.hpp"
#include "agent/odoo/odoo.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::deploy {

struct OdooRun {
    odoo::Installation installation;
    proto::EnvironmentSpec environment; ///< its limits hold here too
    std::filesystem::path venv;
    std::filesystem::path variables; ///< variables.env of the release
    std::vector<std::string> argv;
    std::string what; ///< "update sale": ends the sentence "Odoo could not …"
    std::string code; ///< of the error
    std::chrono::hours limit{6};
    std::uint32_t from_percent = 0, to_percent = 100; ///< of the step
};

/// Runs it in a transient unit with the environment's sandbox, one at a time for each environment.
/// Odoo's lines go to the log.
Result<> run_odoo(Hands& hands, journal::Work& work, const OdooRun& run);

/// Code and confinement of a release that is on this server; `argv`, `what` and `code` are the
/// caller's.
Result<OdooRun> odoo_run_of(const Hands& hands, const ReleaseRecord& release);

/// Code "migration_failed" with the modules that a run left half-way: Odoo's exit status is 0 also
/// where it only logged that a module was not loaded.
Result<> modules_settled(Hands& hands, const std::string& database);

} // namespace fairlead::deploy
