#include "agent/link/address.hpp"

#include "common/net/http_client.hpp"

namespace fairlead::link {

std::string Address::text() const {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
           std::to_string(port);
}

Result<Address> parse_address(std::string_view text) {
    auto scheme = text.find("://");
    auto rest = scheme == std::string_view::npos ? text : text.substr(scheme + 3);
    auto name = scheme == std::string_view::npos ? std::string_view("wss") : text.substr(0, scheme);
    if (name != "wss" && name != "https")
        return fail(
            Errc::invalid,
            "'" + std::string(text.substr(0, 200)) +
                "' is no controller's address: it begins with neither wss:// nor https://."
        );
    FAIRLEAD_TRY(url, net::Url::parse("https://" + std::string(rest)));
    return Address{url.host, url.port};
}

} // namespace fairlead::link
