#include "controller/certificates/routes.hpp"

#include "controller/api/routes.hpp"
#include "controller/certificates/view.hpp"

namespace fairlead::certificates {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

Result<Response> list(const Call& call, Certificates& certificates) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    return certificates.store().read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(pause, certificates.pause(db));
        FAIRLEAD_TRY(rows, CertificateRepo(db, call.scope()).list(page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& row : rows) items.push_back(to_json(row, pause));
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get(const Call& call, Certificates& certificates) {
    FAIRLEAD_TRY(id, call.path_id<CertificateId>("certificate"));
    return certificates.store().read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(pause, certificates.pause(db));
        FAIRLEAD_TRY(row, CertificateRepo(db, call.scope()).get(id));
        return api::answer(to_json(row, pause));
    });
}

Result<Response> renew(const Call& call, Certificates& certificates) {
    FAIRLEAD_TRY(id, call.path_id<CertificateId>("certificate"));
    return api::change(call, certificates.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(row, CertificateRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(asked, certificates.renew(change, std::move(row), call.now()));
        FAIRLEAD_TRY(pause, certificates.pause(change.db()));
        return api::answer(to_json(asked, pause), 202);
    });
}

} // namespace

void add_routes(api::RouteTable& table, Certificates& certificates) {
    api::Routes own(table, certificates, "/api/v1/orgs/{org}/certificates");
    own.get("", "certificates.view", &list);
    own.get("/{certificate}", "certificates.view", &get);
    own.post("/{certificate}/renew", "certificates.renew", &renew);
}

} // namespace fairlead::certificates
