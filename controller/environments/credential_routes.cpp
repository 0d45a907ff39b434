#include "common/json/json.hpp"
#include "controller/api/page.hpp"
#include "controller/environments/credential_repo.hpp"
#include "controller/environments/private_key.hpp"
#include "controller/environments/routes.hpp"
#include "controller/environments/view.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::environments {
namespace {

using api::Call;
using api::Response;
using store::Connection;
using store::UnitOfWork;

constexpr std::int64_t max_credentials = 1000;

struct NewCredential {
    std::string name;
    std::string host;
    std::string kind;
    std::optional<std::string> username;
    std::string secret;
};
BOOST_DESCRIBE_STRUCT(NewCredential, (), (name, host, kind, username, secret))

api::Act act_on(const Credential& credential, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "git_credential";
    act.target_id = credential.id.str();
    act.target_name = credential.name;
    return act;
}

bool visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

/// Fills the row; what is wrong with it goes to the checks.
Credential checked(const NewCredential& wanted, api::Checks& checks) {
    Credential row;
    check_name(checks, "name", wanted.name);
    check_host(checks, "host", wanted.host);
    checks.that(
        wanted.kind == "token" || wanted.kind == "ssh_key", "kind", "must be token or ssh_key"
    );
    checks.that(
        !wanted.secret.empty() && wanted.secret.size() <= 16384, "secret",
        "must have 1 to 16384 characters"
    );
    row.name = wanted.name;
    row.host = wanted.host;
    row.kind = wanted.kind;
    if (wanted.kind == "token") {
        row.username = wanted.username.value_or("oauth2");
        bool fine = !row.username.empty() && row.username.size() <= 100 && visible(row.username) &&
                    row.username.find(':') == std::string::npos;
        checks.that(fine, "username", "must be 1 to 100 visible ASCII characters without a colon");
        checks.that(
            visible(wanted.secret), "secret",
            "is no token: tokens have no spaces or line breaks. For a key, kind is ssh_key"
        );
    } else if (wanted.kind == "ssh_key") {
        checks.that(
            !wanted.username, "username", "goes with a token; for ssh it stands in the address"
        );
        auto print = inspect_private_key(wanted.secret);
        if (print)
            row.fingerprint = *print;
        else
            checks.wrong("secret", print.error().message());
    }
    return row;
}

Result<Response> list(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    return environments.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(rows, CredentialRepo(db, call.scope()).list(page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& row : rows) items.push_back(to_json(row));
        return api::page_of(std::move(items), page);
    });
}

Result<Response> create(const Call& call, Environments& environments) {
    const auto& parts = environments.parts();
    FAIRLEAD_TRY(wanted, call.body<NewCredential>());
    Secret secret(std::move(wanted.secret));
    wanted.secret = secret.reveal();
    api::Checks checks;
    auto row = checked(wanted, checks);
    wipe(wanted.secret);
    FAIRLEAD_CHECK(checks.result());
    row.id = CredentialId::make(call.now());
    row.created_ms = call.now();
    row.created_by = call.principal().user;
    row.created_by_email = call.principal().email;
    store::Blob sealed{parts.keys.seal(secret, credential_context(row.id.str()))};
    return parts.store.write([&](UnitOfWork& unit) -> Result<Response> {
        CredentialRepo repo(unit.db(), call.scope());
        FAIRLEAD_TRY(count, repo.count());
        if (count >= max_credentials)
            return fail(Error(
                            Errc::conflict,
                            fmt::format(
                                "This organization has {} git credentials, which is the most.",
                                count
                            )
            )
                            .with_code("too_many_credentials"));
        FAIRLEAD_CHECK(repo.insert(row, sealed));
        auto act = act_on(row, "git_credential.create");
        act.after = boost::json::object{
            {"host", row.host}, {"kind", row.kind}, {"fingerprint", row.fingerprint}};
        parts.audit.record(unit, call.scope(), call.actor(), std::move(act));
        return api::answer(to_json(row), 201);
    });
}

Result<Response> remove(const Call& call, Environments& environments) {
    const auto& parts = environments.parts();
    FAIRLEAD_TRY(id, call.path_id<CredentialId>("credential"));
    return parts.store.write([&](UnitOfWork& unit) -> Result<Response> {
        CredentialRepo repo(unit.db(), call.scope());
        FAIRLEAD_TRY(row, repo.get(id));
        FAIRLEAD_TRY(project, repo.used_by(id));
        if (project)
            return fail(
                Error(
                    Errc::conflict,
                    fmt::format(
                        "The project \"{}\" uses this credential. Choose another there first.",
                        *project
                    )
                )
                    .with_code("credential_in_use")
            );
        FAIRLEAD_CHECK(repo.remove(id));
        parts.audit.record(unit, call.scope(), call.actor(), act_on(row, "git_credential.delete"));
        return api::no_content();
    });
}

} // namespace

void add_credential_routes(api::RouteTable& table, Environments& environments) {
    using api::Method;
    auto with = [&environments](auto handler) {
        return [&environments, handler](const Call& call) { return handler(call, environments); };
    };
    std::string all = "/api/v1/orgs/{org}/git-credentials";
    table.add(Method::get, all, "git_credentials.view", with(&list));
    table.add(Method::post, all, "git_credentials.create", with(&create));
    table.add(Method::remove, all + "/{credential}", "git_credentials.delete", with(&remove));
}

} // namespace fairlead::environments
