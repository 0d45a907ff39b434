/// What the server itself remembers of environments and releases: small JSON files beside what they
/// describe.
#pragma once

#include "agent/deploy/layout.hpp"
#include "common/runtime/result.hpp"
#include "proto/messages.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::deploy {

/// environment.json: there from the end of the first deployment to the end of the deletion.
struct EnvironmentRecord {
    std::string id;
    std::string slug;
    std::string name;
    std::uint32_t live = 0; ///< the release that `current` leads to
    std::uint16_t port = 0;
};
BOOST_DESCRIBE_STRUCT(EnvironmentRecord, (), (id, slug, name, live, port))

/// One exported tree of a release.
struct TreeRef {
    std::string name; ///< Source::name
    std::string key;  ///< folder below trees/
    std::string commit;
    std::string manifest_sha256;
};
BOOST_DESCRIBE_STRUCT(TreeRef, (), (name, key, commit, manifest_sha256))

/// releases/<n>/release.json
struct ReleaseRecord {
    proto::ReleaseInfo info;
    proto::EnvironmentSpec environment; ///< secret variables without their values
    std::vector<TreeRef> trees;         ///< Odoo first, then the addons in their order
    std::string venv;
    std::string venv_manifest_sha256;
    std::map<std::string, std::string> modules; ///< content hashes
    std::map<std::string, std::string> files;   ///< SHA-256 of the release's own files
};
BOOST_DESCRIBE_STRUCT(
    ReleaseRecord, (), (info, environment, trees, venv, venv_manifest_sha256, modules, files)
)

Result<std::optional<EnvironmentRecord>> load_environment(const Place& place);
/// The environment that is meant, and no other of that name. Errc::not_found (environment_missing),
/// Errc::conflict (slug_taken).
Result<EnvironmentRecord> find_environment(const Place& place, const std::string& id);
Result<> save_environment(const Place& place, const EnvironmentRecord& record);

/// Errc::not_found when there is no such release.
Result<ReleaseRecord> load_release(const Place& place, std::uint32_t number);
Result<> save_release(const Place& place, const ReleaseRecord& record);

/// Numbers of the releases on disk, ascending.
std::vector<std::uint32_t> release_numbers(const Place& place);

/// Every environment's place.
std::vector<Place> all_places(const Layout& layout);

/// Every environment with its releases and what systemd says of it.
std::vector<proto::EnvironmentState> inventory(const Layout& layout);

} // namespace fairlead::deploy
