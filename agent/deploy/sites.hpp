/// The domains of environments that are exposed directly, served by a Caddy of Fairlead's own.
/// What it serves is made anew each time from the releases on disk, so that there is nothing
/// to get out of step with.
#pragma once

#include "agent/deploy/caddy.hpp"
#include "agent/deploy/layout.hpp"
#include "agent/host/systemd.hpp"
#include "common/runtime/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::deploy {

inline constexpr const char* caddy_service = "fairlead-caddy.service";

/// Name of the file of a release that says how its domains are served.
inline constexpr const char* site_file = "site.json";

/// True when a release of the environment is to be served directly.
bool has_site(const Place& place, std::uint32_t number);

/// A name that another environment of this server answers to.
struct TakenName {
    std::string name;
    std::string slug; ///< of that environment

    bool operator==(const TakenName&) const = default;
};

/// Those of `names` that current releases of other environments have. Errc::invalid names the
/// environment whose release cannot be read.
Result<std::vector<TakenName>>
taken_names(const Layout& layout, const Place& place, const std::vector<std::string>& names);

/// Root's settings of this server, as acme_settings reads them.
Result<AcmeSettings> acme_settings(const Layout& layout);

/// Stateless; calls of several operations are taken one after the other.
class Sites {
public:
    Sites(const Layout& layout, host::Systemd& systemd) : layout_(layout), systemd_(systemd) {}

    /// Serves each environment as its current release says, and `place` as release `number` does; 0
    /// does not serve it. Caddy goes on with what it served before when it does not take the new
    /// configuration: code "caddy_failed" with its words. A name that another environment has is
    /// refused: code "domain_taken". Without any site Caddy is stopped.
    Result<> serve(const Place& place, std::uint32_t number);

private:
    Result<std::string> config(const Place& place, std::uint32_t number, std::size_t& count) const;
    Result<> load(const std::string& config);
    Result<> start(const std::string& config);
    std::filesystem::path folder() const { return layout_.base / "caddy"; }

    const Layout& layout_;
    host::Systemd& systemd_;
};

} // namespace fairlead::deploy
