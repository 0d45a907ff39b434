/// What is known of an update, on disk from before anything is changed until it is decided.
#pragma once

#include "common/runtime/result.hpp"

#include <boost/describe.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace fairlead::update {

/// Where things lie. One update at a time; what is there belongs to the last one.
struct Layout {
    std::filesystem::path folder = "/var/lib/fairlead/update";
    std::filesystem::path key = "/usr/share/fairlead-agent/signing-key.pub";
    std::filesystem::path program = "/usr/bin/fairlead-agent";
    std::filesystem::path units = "/etc/systemd/system";

    std::filesystem::path record() const { return folder / "record.json"; }
    std::filesystem::path next() const { return folder / "next.deb"; }
    /// Kept until the next update.
    std::filesystem::path previous() const { return folder / "previous.deb"; }
    /// The program as it was before: it decides, whatever the new one is like.
    std::filesystem::path guard() const { return folder / "guard"; }
    /// Holds the version of the executor that took the operation over.
    std::filesystem::path adopted() const { return folder / "adopted"; }
    std::filesystem::path unit() const { return units / "fairlead-update.service"; }
};

/// ready → installing → waiting → done, or from any of them → returning → returned. `installing`
/// and `returning` are on disk before dpkg is started, `waiting` after it has ended.
BOOST_DEFINE_ENUM_CLASS(Phase, ready, installing, waiting, returning, done, returned)

struct Record {
    std::string operation; ///< "op_…"
    std::string from, to;  ///< versions
    std::string next_sha256, previous_sha256;
    Phase phase = Phase::ready;
    std::string code;   ///< of the error, when it returns
    std::string reason; ///< the same as a sentence
};
BOOST_DESCRIBE_STRUCT(
    Record, (), (operation, from, to, next_sha256, previous_sha256, phase, code, reason)
)

constexpr bool is_decided(Phase phase) {
    return phase == Phase::done || phase == Phase::returned;
}

/// Nothing: there was no update yet. Errc::invalid for what cannot be read.
Result<std::optional<Record>> load(const Layout& layout);
/// Durable when it returns.
Result<> save(const Layout& layout, const Record& record);

/// The version of the executor that goes on with the operation.
Result<> note_adopted(const Layout& layout, const std::string& version);
std::string adopted_by(const Layout& layout);

} // namespace fairlead::update
