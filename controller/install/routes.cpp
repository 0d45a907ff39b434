#include "controller/install/routes.hpp"

#include "controller/install/ssh_script.hpp"

#include <fmt/core.h>

#include <memory>
#include <string>
#include <utility>

namespace fairlead::install {
namespace {

api::Response text(std::string content_type, std::string body) {
    api::Response response;
    response.content_type = std::move(content_type);
    response.body = std::move(body);
    // An address or a package of yesterday must not come out of a cache on the way.
    response.headers.emplace_back("Cache-Control", "no-cache");
    return response;
}

Result<api::Response> install_script(const Packages& packages, const Face& face) {
    FAIRLEAD_TRY(script, packages.script(face));
    return text("text/x-shellscript; charset=utf-8", std::move(script));
}

Result<api::Response> agent_file(const Packages& packages, const api::Call& call) {
    FAIRLEAD_TRY(content, packages.file(call.path("file")));
    auto response = text("application/octet-stream", std::move(content));
    response.headers.emplace_back(
        "Content-Disposition", fmt::format("attachment; filename=\"{}\"", call.path("file"))
    );
    return response;
}

Result<api::Response> ca_certificate(const Face& face) {
    if (face.ca_pem.empty())
        return fail(
            Errc::not_found,
            "This controller's certificate is not signed by an authority of its own."
        );
    return text("application/x-pem-file", face.ca_pem);
}

} // namespace

void add_install_routes(
    api::RouteTable& table, const Packages& packages, std::function<Face()> face
) {
    auto shared = std::make_shared<std::function<Face()>>(std::move(face));
    std::string open(api::open_to_all);
    table.add(api::Method::get, "/install.sh", open, [&packages, shared](const api::Call&) {
        return install_script(packages, (*shared)());
    });
    table.add(api::Method::get, "/agent/{file}", open, [&packages](const api::Call& call) {
        return agent_file(packages, call);
    });
    table.add(
        api::Method::get, "/fairlead-ssh", open,
        [](const api::Call&) -> Result<api::Response> {
            return text("text/x-python; charset=utf-8", std::string(ssh_script()));
        }
    );
    table.add(api::Method::get, "/ca.pem", open, [shared](const api::Call&) {
        return ca_certificate((*shared)());
    });
}

} // namespace fairlead::install
