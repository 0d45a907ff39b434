// Whether a project's repositories and the credentials for them fit together.
#include "controller/environments/checks.hpp"
#include "controller/environments/credential_repo.hpp"
#include "controller/environments/environments.hpp"
#include "controller/members/source_domains.hpp"

#include <fmt/core.h>

#include <set>
#include <string>
#include <vector>

namespace fairlead::environments {
namespace {

using api::OrgScope;

constexpr std::size_t max_credentials = 10; // of one project: their keys travel in one message

} // namespace

Result<> Environments::check_domains(
    store::Connection& db, const OrgScope& scope, const Project& project, api::Checks& checks
) {
    FAIRLEAD_TRY(allowed, members::listed_domains(db, scope));
    auto check = [&](const std::string& field, const std::string& url) {
        auto host = host_of(url);
        checks.that(
            members::allows(allowed, host), field + ".url",
            fmt::format(
                "is at {}, which is not among the domains that the organization's security "
                "settings let sources come from",
                host.empty() ? "no host" : host
            )
        );
    };
    check("odoo_source", project.source().url);
    auto addons = project.repositories();
    for (std::size_t i = 0; i < addons.size(); ++i)
        check(fmt::format("addons[{}]", i), addons[i].url);
    return {};
}

Result<> Environments::check_sources(
    store::Connection& db, const OrgScope& scope, const Project& project, api::Checks& checks
) {
    FAIRLEAD_CHECK(check_domains(db, scope, project, checks));
    CredentialRepo credentials(db, scope);
    std::set<std::string> used;
    auto check = [&](const std::string& field, const std::string& url,
                     const std::optional<std::string>& id) -> Result<> {
        if (!id) return {};
        used.insert(*id);
        FAIRLEAD_TRY(credential, credentials.find(*id));
        if (!credential) {
            checks.wrong(field + ".credential_id", "names no git credential of this organization");
            return {};
        }
        // A token must not be sent to another host because somebody changed an address.
        auto host = host_of(url);
        auto expected = host_of("ssh://" + credential->host + "/");
        checks.that(
            host == expected, field + ".credential_id",
            fmt::format("is for {}, but the repository is at {}", credential->host, host)
        );
        bool over_ssh = url.find("://") == std::string::npos || url.starts_with("ssh://");
        checks.that(
            (credential->kind == "ssh_key") == over_ssh, field + ".credential_id",
            over_ssh ? "is a token; an ssh address needs a key"
                     : "is an ssh key; an https address needs a token"
        );
        return {};
    };
    auto source = project.source();
    FAIRLEAD_CHECK(check("odoo_source", source.url, source.credential_id));
    auto addons = project.repositories();
    for (std::size_t i = 0; i < addons.size(); ++i)
        FAIRLEAD_CHECK(check(fmt::format("addons[{}]", i), addons[i].url, addons[i].credential_id));
    checks.that(
        used.size() <= max_credentials, "addons",
        fmt::format("use {} git credentials; {} is the most", used.size(), max_credentials)
    );
    return {};
}

} // namespace fairlead::environments
