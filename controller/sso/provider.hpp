/// Where people may sign in instead of here: `sign_in_with` of controller.yaml.
#pragma once

#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::sso {

BOOST_DEFINE_ENUM_CLASS(Preset, google, github, gitlab, bitbucket, microsoft, oidc)

/// One entry, as the operator writes it; settings_template explains each key.
struct ProviderSettings {
    Preset provider = Preset::oidc;
    std::optional<std::string> slug;
    std::optional<std::string> name;
    std::optional<std::string> issuer;   ///< of oidc
    std::optional<std::string> base_url; ///< of presets that are not at their usual address
    std::optional<std::string> tenant;   ///< of microsoft
    std::string client_id;
    std::string client_secret_file;
    std::optional<std::string> scopes;
    std::optional<std::string> ca_file;
    bool trusts_second_factor = false;
    bool trusts_email = false;
};
BOOST_DESCRIBE_STRUCT(
    ProviderSettings, (),
    (provider, slug, name, issuer, base_url, tenant, client_id, client_secret_file, scopes, ca_file,
     trusts_second_factor, trusts_email)
)

/// One entry, ready for use.
struct Provider {
    Preset preset = Preset::oidc;
    std::string slug; ///< in paths, and what an organization's sso_required names
    std::string name; ///< "GitHub"
    /// Of OpenID Connect; for Microsoft's shared tenants with "{tenantid}". For plain OAuth 2 the
    /// address under which identities are kept.
    std::string issuer;
    std::string discovery; ///< OpenID Connect: where the issuer describes itself
    std::string authorize; ///< plain OAuth 2
    std::string token;     ///< plain OAuth 2
    std::string api;       ///< plain OAuth 2
    std::string client_id;
    Secret client_secret;
    std::string scopes;
    std::string ca_pem;
    bool trusts_second_factor = false;
    bool trusts_email = false;

    bool plain_oauth() const { return preset == Preset::github || preset == Preset::bitbucket; }
};

/// What is wrong with the texts of these entries, one sentence each; files are not opened.
std::vector<std::string> findings(const std::vector<ProviderSettings>& settings);

/// Reads the files too. Errc::invalid, with all that is wrong, one sentence a line.
Result<std::vector<Provider>> make_providers(const std::vector<ProviderSettings>& settings);

} // namespace fairlead::sso
