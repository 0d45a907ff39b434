/// What Caddy is told to serve the domains of environments that are exposed directly, as its own
/// JSON (https://caddyserver.com/docs/json/). Text only: agent/deploy/sites.hpp brings it to a
/// running Caddy.
#pragma once

#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::deploy {

inline constexpr std::string_view caddy_socket = "/run/fairlead-caddy/admin.sock";

/// Where certificates come from: the section `direct` of /etc/fairlead/agent.yaml, which is root's.
struct AcmeSettings {
    std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
    std::string root_file; ///< PEM of the authority that the directory's own certificate is of; "":
                           ///< the system's
    std::string email;     ///< the certificate authority's way to reach somebody; may be empty

    bool operator==(const AcmeSettings&) const = default;
};

/// Errc::invalid with the line. Without the section, and without the file, the defaults.
Result<AcmeSettings> acme_settings(std::string_view yaml, std::string_view file_name);

/// The route of one environment, which is a file of its release. Absent where its domains are not
/// served here.
std::optional<std::string> site_of(const proto::EnvironmentSpec& environment);

/// The names that a site answers to. Errc::invalid when `site_of` did not make it.
Result<std::vector<std::string>> names_of(std::string_view site);

/// The whole configuration. `sites` are what `site_of` made; Errc::invalid when one is not.
Result<std::string>
caddy_config(const std::vector<std::string>& sites, const AcmeSettings& settings);

/// fairlead-caddy.service
std::string caddy_unit(const std::filesystem::path& config);

} // namespace fairlead::deploy
