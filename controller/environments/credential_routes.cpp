#include "common/json/json.hpp"
#include "controller/api/change.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/credential_repo.hpp"
#include "controller/environments/private_key.hpp"
#include "controller/environments/routes.hpp"
#include "controller/environments/view.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::environments {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

constexpr std::int64_t max_credentials = 1000;

struct NewCredential {
    std::string name;
    std::string host;
    std::string kind;
    std::optional<std::string> username;
    std::string secret;
};
BOOST_DESCRIBE_STRUCT(NewCredential, (), (name, host, kind, username, secret))

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
    return api::list_page(call, environments.parts().store, [&](Connection& db, const auto& page) {
        return CredentialRepo(db, call.scope()).list(page.after, page.limit + 1);
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
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        CredentialRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(count, repo.count());
        FAIRLEAD_CHECK(
            api::check_room(count, max_credentials, "too_many_credentials", "git credentials")
        );
        FAIRLEAD_CHECK(repo.insert(row, sealed));
        boost::json::object after{
            {"host", row.host}, {"kind", row.kind}, {"fingerprint", row.fingerprint}};
        change.record("git_credential.create", "git_credential", row, std::move(after));
        return api::answer(to_json(row), 201);
    });
}

Result<Response> remove(const Call& call, Environments& environments) {
    FAIRLEAD_TRY(id, call.path_id<CredentialId>("credential"));
    return api::change(call, environments.desk(), [&](Change& change) -> Result<Response> {
        CredentialRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(row, repo.get(id));
        FAIRLEAD_TRY(project, repo.used_by(id));
        if (project) {
            auto text = fmt::format(
                "The project \"{}\" uses this credential. Choose another there first.", *project
            );
            return api::conflict("credential_in_use", std::move(text));
        }
        FAIRLEAD_CHECK(repo.remove(id));
        change.record("git_credential.delete", "git_credential", row);
        return api::no_content();
    });
}

} // namespace

void add_credential_routes(api::RouteTable& table, Environments& environments) {
    api::Routes routes(table, environments, "/api/v1/orgs/{org}/git-credentials");
    routes.get("", "git_credentials.view", &list);
    routes.post("", "git_credentials.create", &create);
    routes.remove("/{credential}", "git_credentials.delete", &remove);
}

} // namespace fairlead::environments
