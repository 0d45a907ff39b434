#include "controller/domains/routes.hpp"

#include "controller/api/checks.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/domains/names.hpp"
#include "controller/domains/view.hpp"

namespace fairlead::domains {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

struct ClaimBody {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(ClaimBody, (), (name))

Result<std::string> name_of(const ClaimBody& body, const Domains& domains) {
    api::Checks checks;
    auto name = normalise(body.name);
    if (!name) {
        checks.wrong("name", name.error().message());
    } else if (auto may = claimable(*name, domains.parts().own_host); !may) {
        checks.wrong("name", may.error().message());
    }
    FAIRLEAD_CHECK(checks.result());
    return name;
}

Result<Response> list(const Call& call, Domains& domains) {
    FAIRLEAD_TRY(state, api::query_enum<State>(call, "state"));
    FAIRLEAD_TRY(page, api::Page::of(call));
    return domains.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(rows, DomainRepo(db, call.scope()).list({state}, page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& row : rows) items.push_back(to_json(row));
        return api::page_of(std::move(items), page);
    });
}

Result<Response> claim(const Call& call, Domains& domains) {
    FAIRLEAD_TRY(body, call.body<ClaimBody>());
    FAIRLEAD_TRY(name, name_of(body, domains));
    return api::change(call, domains.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(domain, domains.claim(change, name, call.principal(), call.now()));
        return api::answer(to_json(domain), 201);
    });
}

Result<Response> get(const Call& call, Domains& domains) {
    FAIRLEAD_TRY(id, call.path_id<DomainId>("domain"));
    return domains.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(domain, DomainRepo(db, call.scope()).get(id));
        return api::answer(to_json(domain));
    });
}

Result<Response> check(const Call& call, Domains& domains) {
    FAIRLEAD_TRY(id, call.path_id<DomainId>("domain"));
    return api::change(call, domains.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(domain, DomainRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(now, domains.check(change, std::move(domain), call.now()));
        return api::answer(to_json(now), 202);
    });
}

Result<Response> remove(const Call& call, Domains& domains) {
    FAIRLEAD_TRY(id, call.path_id<DomainId>("domain"));
    return api::change(call, domains.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(domain, DomainRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_CHECK(domains.remove(change, domain));
        return api::no_content();
    });
}

} // namespace

void add_routes(api::RouteTable& table, Domains& domains) {
    api::Routes own(table, domains, "/api/v1/orgs/{org}/domains");
    own.get("", "domains.view", &list);
    own.post("", "domains.claim", &claim);
    own.get("/{domain}", "domains.view", &get);
    own.post("/{domain}/check", "domains.check", &check);
    own.remove("/{domain}", "domains.delete", &remove);
}

} // namespace fairlead::domains
