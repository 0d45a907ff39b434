#include "controller/odoo_login/routes.hpp"

#include "common/crypto/encoding.hpp"
#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"
#include "controller/operations/routes.hpp"

#include <fmt/core.h>

namespace fairlead::odoo_login {
namespace {

using api::Call;
using api::Change;
using api::Response;

struct UsersBody {
    std::string public_key;
};
BOOST_DESCRIBE_STRUCT(UsersBody, (), (public_key))

struct LinkBody {
    std::string user;
    std::string reason;
    std::string public_key;
};
BOOST_DESCRIBE_STRUCT(LinkBody, (), (user, reason, public_key))

void check_key(api::Checks& checks, const std::string& text) {
    auto key = crypto::base64url_decode(text);
    checks.that(
        key && key->size() == 65 && key->front() == '\x04', "public_key",
        "must be an uncompressed point of P-256 in base64url"
    );
}

/// Printable and not blank: what a server's log and the audit log can show.
void check_line(
    api::Checks& checks, std::string_view field, const std::string& text, std::size_t most
) {
    checks.length(field, text, 1, most);
    checks.that(
        text.size() <= most && api::printable(text, most) == text, field,
        fmt::format("must be one line of at most {} bytes of printable text", most)
    );
    checks.that(
        text.empty() || text.find_first_not_of(' ') != std::string::npos, field, "must not be blank"
    );
}

Result<Response> users(const Call& call, Logins& logins) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<UsersBody>());
    api::Checks checks;
    check_key(checks, body.public_key);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, logins.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(operation, logins.users(change, call.principal(), id, body.public_key));
        return operations::accepted(change.scope(), operation);
    });
}

Result<Response> link(const Call& call, Logins& logins) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<LinkBody>());
    api::Checks checks;
    check_line(checks, "user", body.user, proto::longest_odoo_login);
    check_line(checks, "reason", body.reason, proto::longest_odoo_reason);
    check_key(checks, body.public_key);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, logins.desk(), [&](Change& change) -> Result<Response> {
        Wanted wanted{body.user, body.reason};
        FAIRLEAD_TRY(operation, logins.link(change, call.principal(), id, wanted, body.public_key));
        return operations::accepted(change.scope(), operation);
    });
}

} // namespace

void add_routes(api::RouteTable& table, Logins& logins) {
    api::Routes routes(table, logins, "/api/v1/orgs/{org}/environments/{environment}/odoo");
    routes.post("/users", "odoo.login", &users);
    routes.post("/login", "odoo.login", &link);
}

} // namespace fairlead::odoo_login
