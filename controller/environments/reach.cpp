#include "controller/environments/reach.hpp"

#include "controller/environments/spec.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

namespace fairlead::environments {

std::optional<std::string> address_of(const Environment& e, const std::optional<Release>& live) {
    if (e.never_deployed()) return std::nullopt;
    auto exposure = e.exposure;
    auto domains = strings(e.domains);
    auto port = e.port;
    // What is live may differ from what is wanted. Of a release that was found on the server
    // nothing is known: then the wish is the best guess.
    if (live && !live->spec.empty())
        if (auto deployed = proto::read_text<proto::EnvironmentSpec>(live->spec)) {
            exposure = deployed->exposure;
            domains = deployed->domains;
            port = deployed->port;
        }
    if (exposure == proto::Exposure::port || domains.empty())
        return fmt::format("http://127.0.0.1:{}", port);
    return "https://" + domains.front();
}

std::optional<std::string> exposure_detail(const Environment& e, bool has_token) {
    // What it answers to is set at Cloudflare.
    if (e.exposure == proto::Exposure::cloudflared)
        return has_token ? std::nullopt
                         : std::optional<std::string>(
                               "It has no connector token yet: set the one that Cloudflare shows "
                               "for its tunnel, and deploy."
                           );
    if (e.exposure == proto::Exposure::port || !strings(e.domains).empty()) return std::nullopt;
    return e.exposure == proto::Exposure::tunnel
               ? "It has no domain yet: add one that is verified, and deploy. Until then it is "
                 "reached on its server alone."
               : "It has no domain yet: add one whose address record names the server, and deploy. "
                 "Until then it is reached on its server alone.";
}

} // namespace fairlead::environments
