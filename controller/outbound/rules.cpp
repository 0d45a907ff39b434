#include "controller/outbound/rules.hpp"

#include <algorithm>

namespace fairlead::outbound {
namespace {

/// Names that RFC 6761, 6762, 7686, 8375, 9476 and ICANN keep for networks of one's own, and those
/// that routers and clouds use.
constexpr std::string_view internal[] = {
    "localhost", "local",     "localdomain",  "internal", "intranet", "private", "corp",  "home",
    "lan",       "home.arpa", "in-addr.arpa", "ip6.arpa", "test",     "invalid", "onion", "alt"};

tl::unexpected<Error> refused(std::string text) {
    return fail(Error(Errc::forbidden, std::move(text)).with_code("url_refused"));
}

} // namespace

bool internal_name(std::string_view host) {
    if (host.find('.') == std::string_view::npos) return true;
    return std::ranges::any_of(internal, [&](std::string_view ending) {
        return host.ends_with(ending) && host[host.size() - ending.size() - 1] == '.';
    });
}

Result<> judge_place(const egress::Place& place, const egress::Allow& allow) {
    if (auto address = IpAddress::parse(place.host)) {
        if (auto may = allow.permits(place, *address); !may) return refused(may.error().message());
        return {};
    }
    if (!allow.port(place))
        return refused(
            place.text() + " is not at port 443, and no exception of the operator names it."
        );
    if (internal_name(place.host) && !allow.names(place))
        return refused(
            place.host +
            " is a name of an internal network, and no exception of the operator names "
            "it."
        );
    return {};
}

Result<proto::SourceUrl> judge_url(std::string_view text, const egress::Allow& allow) {
    auto url = proto::parse_source_url(text);
    if (!url)
        return fail(Error(Errc::invalid, "The address " + url.error().message() + ".")
                        .with_code("url_invalid"));
    FAIRLEAD_CHECK(judge_place({url->host, url->port}, allow));
    return url;
}

Result<> judge_addresses(
    const egress::Place& place, const std::vector<IpAddress>& addresses, const egress::Allow& allow
) {
    for (const auto& address : addresses) FAIRLEAD_CHECK(allow.permits(place, address));
    return {};
}

} // namespace fairlead::outbound
