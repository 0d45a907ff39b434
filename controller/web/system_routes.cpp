#include "controller/web/system_routes.hpp"

#include "controller/web/assets.hpp"
#include "controller/web/contract.hpp"

#include <fmt/core.h>

#include <memory>
#include <stdexcept>

namespace fairlead::web {
namespace {

api::Response text(std::string body, std::string type = "text/plain; charset=utf-8") {
    api::Response response;
    response.content_type = std::move(type);
    response.body = std::move(body);
    return response;
}

std::string prometheus(const std::vector<Metric>& metrics) {
    std::string body;
    for (const auto& metric : metrics)
        body += fmt::format(
            "# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", metric.name, metric.help,
            metric.counter ? "counter" : "gauge", metric.value
        );
    return body;
}

} // namespace

void add_system_routes(api::RouteTable& table, SystemParts parts) {
    using api::Call, api::Method, api::Response;
    auto contract = json_from_yaml(openapi_yaml());
    if (!contract) throw std::logic_error(contract.error().detail());
    auto document = std::make_shared<const std::string>(std::move(*contract));

    table.add(Method::get, "/healthz", "none", [](const Call&) -> Result<Response> {
        return text("ok\n");
    });
    table.add(
        Method::get, "/readyz", "none",
        [ready = parts.ready](const Call&) -> Result<Response> {
            FAIRLEAD_CHECK(ready());
            return text("ready\n");
        }
    );
    table.add(
        Method::get, "/metrics", "none",
        [metrics = parts.metrics](const Call&) -> Result<Response> {
            return text(prometheus(metrics()), "text/plain; version=0.0.4; charset=utf-8");
        }
    );
    table.add(
        Method::get, "/api/v1/openapi.json", "none",
        [document](const Call&) -> Result<Response> { return text(*document, "application/json"); }
    );
}

} // namespace fairlead::web
