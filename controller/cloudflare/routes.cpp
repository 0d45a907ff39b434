#include "controller/cloudflare/routes.hpp"

#include "controller/api/routes.hpp"
#include "controller/cloudflare/view.hpp"

namespace fairlead::cloudflare {
namespace {

Result<api::Response> list(const api::Call& call, Hostnames& hostnames) {
    auto pause = hostnames.pause();
    return api::list_page(
        call, hostnames.store(),
        [&](store::Connection& db, const api::Page& page) {
            return HostnameRepo(db, call.scope()).list(page.after, page.limit + 1);
        },
        [&](const Hostname& row) { return to_json(row, hostnames.target(), pause); }
    );
}

} // namespace

void add_routes(api::RouteTable& table, Hostnames& hostnames) {
    api::Routes own(table, hostnames, "/api/v1/orgs/{org}/custom-hostnames");
    own.get("", "certificates.view", &list);
}

} // namespace fairlead::cloudflare
