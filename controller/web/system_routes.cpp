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

/// RFC 9116. It has to say until when it is true; a year is the most that is advised, and it is
/// made anew each time.
std::string security_txt(const SystemParts& parts) {
    return fmt::format(
        "Contact: {}\nExpires: {}\nPreferred-Languages: en\n"
        "Canonical: {}/.well-known/security.txt\n",
        parts.security_contact, to_rfc3339(parts.clock.now() + std::chrono::days(180)), parts.url
    );
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
        Method::get, "/.well-known/security.txt", "none",
        [parts](const Call&) -> Result<Response> {
            if (parts.security_contact.empty())
                return fail(
                    Errc::not_found,
                    "This installation names no security contact. Its operator sets "
                    "security_contact in controller.yaml."
                );
            return text(security_txt(parts));
        }
    );
    table.add(
        Method::get, "/api/v1/openapi.json", "none",
        [document](const Call&) -> Result<Response> { return text(*document, "application/json"); }
    );
}

} // namespace fairlead::web
