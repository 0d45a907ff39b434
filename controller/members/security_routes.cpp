#include "common/json/json.hpp"
#include "controller/access/address_list.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/response.hpp"
#include "controller/api/routes.hpp"
#include "controller/members/routes.hpp"
#include "controller/members/security.hpp"
#include "controller/members/source_domains.hpp"
#include "controller/orgs/orgs.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::members {
namespace {

using api::Call;
using api::Change;
using api::Response;

struct SecurityBody {
    std::optional<std::string> sso_required;
    bool two_factor_required = false;
    bool clone_enabled = true;
    bool connect_as_enabled = true;
    std::vector<std::string> download_domains;
    std::vector<std::string> addresses;
};
BOOST_DESCRIBE_STRUCT(
    SecurityBody, (),
    (sso_required, two_factor_required, clone_enabled, connect_as_enabled, download_domains,
     addresses)
)

/// Each as `normal` spells it, sorted, once.
template <class Normal>
std::vector<std::string> normal_list(
    api::Checks& checks, const std::string& field, const std::vector<std::string>& given,
    std::size_t most, Normal normal
) {
    std::vector<std::string> list;
    checks.that(given.size() <= most, field, fmt::format("must be at most {}", most));
    for (std::size_t i = 0; i < given.size() && i < most; ++i) {
        auto one = normal(given[i]);
        if (one)
            list.push_back(*std::move(one));
        else
            checks.wrong(fmt::format("{}[{}]", field, i), one.error().message());
    }
    std::ranges::sort(list);
    list.erase(std::ranges::unique(list).begin(), list.end());
    return list;
}

Result<Security> checked(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(body, call.body<SecurityBody>());
    api::Checks checks;
    auto domains =
        normal_list(checks, "download_domains", body.download_domains, 100, normal_domain);
    auto networks = normal_list(checks, "addresses", body.addresses, 100, access::normal_network);
    const auto& own = call.request().address;
    checks.that(
        networks.empty() || access::holds(networks, own), "addresses",
        "must hold the address that you come from, " + own + ": otherwise nobody could undo it"
    );
    if (body.sso_required) {
        bool known = parts.knows_provider && parts.knows_provider(*body.sso_required);
        checks.that(
            known, "sso_required",
            "is \"" + body.sso_required->substr(0, 60) +
                "\", which is no provider of this controller"
        );
    }
    FAIRLEAD_CHECK(checks.result());
    Security wanted;
    wanted.sso_required = body.sso_required.value_or("");
    wanted.two_factor_required = body.two_factor_required;
    wanted.clone_enabled = body.clone_enabled;
    wanted.connect_as_enabled = body.connect_as_enabled;
    wanted.downloads = json::encode(domains);
    wanted.addresses = json::encode(networks);
    return wanted;
}

/// Whoever asks something of everybody meets it at that moment: nobody locks themselves out.
Result<>
meets(const Call& call, const Parts& parts, const Security& before, const Security& wanted) {
    bool sso = !wanted.sso_required.empty() && wanted.sso_required != before.sso_required;
    bool factor = wanted.two_factor_required && !before.two_factor_required;
    if (!sso && !factor) return {};
    FAIRLEAD_TRY(sessions, parts.sessions.list(call.principal().user, call.now()));
    auto mine = std::ranges::find_if(sessions, [&](const access::Session& session) {
        return call.principal().session == session.id;
    });
    if (sso && (mine == sessions.end() || mine->issuer != wanted.sso_required))
        return api::conflict(
            "sign_in_with_it_first",
            "Sign in with " + wanted.sso_required +
                " yourself, then ask it of everybody: that shows that it works."
        );
    if (factor && (mine == sessions.end() || !mine->second_factor))
        return api::conflict(
            "second_factor_first",
            "Sign in with a second factor yourself, then ask it of everybody."
        );
    return {};
}

Result<Response> get(const Call& call, const Parts& parts) {
    return parts.store.read([&](store::Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(security, SecurityRepo(db, call.scope()).get());
        return api::answer(to_json(security));
    });
}

Result<Response> set(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(wanted, checked(call, parts));
    FAIRLEAD_TRY(known, parts.store.read([&](store::Connection& db) {
        return SecurityRepo(db, call.scope()).get();
    }));
    FAIRLEAD_CHECK(meets(call, parts, known, wanted));
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        SecurityRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(before, repo.get());
        bool switches = before.clone_enabled != wanted.clone_enabled ||
                        before.connect_as_enabled != wanted.connect_as_enabled;
        if (switches && !call.principal().owner)
            return fail(Error(
                            Errc::forbidden, "The switches of cloning and Connect-As are the "
                                             "owners' alone."
            )
                            .with_code("owner_required"));
        if (before == wanted) {
            change.nothing_changed();
            return api::answer(to_json(wanted));
        }
        FAIRLEAD_CHECK(repo.put(wanted));
        FAIRLEAD_TRY(org, orgs::OrgRepo(change.db(), change.scope()).get());
        auto was = to_json(before), is = to_json(wanted);
        boost::json::object old_facts, new_facts;
        for (const auto& [name, value] : is) {
            if (was[name] == value) continue;
            old_facts[name] = was[name];
            new_facts[name] = value;
        }
        change.record("security.edit", "org", org, std::move(new_facts), std::move(old_facts));
        if (before.connect_as_enabled && !wanted.connect_as_enabled && parts.connect_as_off)
            FAIRLEAD_CHECK(parts.connect_as_off(change.unit(), change.scope()));
        // Whoever does not meet it any more is not to read on.
        FAIRLEAD_CHECK(orgs::end_streams_of_all(change.unit(), change.scope(), parts.events));
        return api::answer(to_json(wanted));
    });
}

} // namespace

void add_security_routes(api::RouteTable& table, const Parts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/security");
    routes.get("", "security.view", &get);
    routes.put("", "security.edit", &set, {.step_up = true});
}

} // namespace fairlead::members
