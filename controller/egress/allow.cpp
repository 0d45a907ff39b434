#include "controller/egress/allow.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace fairlead::egress {
namespace {

constexpr std::size_t most_entries = 1000, longest_host = 253;

bool link_local(const IpAddress& address) {
    static const auto v4 = IpNetwork::parse("169.254.0.0/16").value();
    static const auto v6 = IpNetwork::parse("fe80::/10").value();
    return v4.holds(address) || v6.holds(address);
}

tl::unexpected<Error> wrong(std::string_view text) {
    return fail(
        Errc::invalid, "\"" + std::string(text.substr(0, 100)) +
                           "\" is no host: write it as name, name:port, 192.0.2.7:port or "
                           "[2001:db8::7]:port."
    );
}

tl::unexpected<Error> refused(std::string text) {
    return fail(Error(Errc::forbidden, std::move(text)).with_code("address_refused"));
}

bool host_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

} // namespace

std::string Place::text() const {
    bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Place> parse_place(std::string_view text) {
    Place place;
    auto host = text, digits = std::string_view();
    if (text.starts_with('[')) {
        auto close = text.find(']');
        if (close == std::string_view::npos) return wrong(text);
        host = text.substr(1, close - 1);
        auto rest = text.substr(close + 1);
        if (!rest.empty() && (!rest.starts_with(':') || rest.size() == 1)) return wrong(text);
        if (!rest.empty()) digits = rest.substr(1);
        auto address = IpAddress::parse(host);
        if (!address || address->v4()) return wrong(text);
        place.host = address->text();
    } else {
        if (auto colon = text.find(':'); colon != std::string_view::npos) {
            host = text.substr(0, colon);
            digits = text.substr(colon + 1);
            if (digits.empty()) return wrong(text);
        }
        place.host = host;
        for (auto& c : place.host)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (place.host.ends_with('.')) place.host.pop_back();
        if (place.host.empty() || place.host.size() > longest_host ||
            !std::ranges::all_of(place.host, host_letter))
            return wrong(text);
    }
    if (digits.empty()) return place;
    auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), place.port);
    if (failed != std::errc() || end != digits.data() + digits.size() || place.port == 0)
        return wrong(text);
    return place;
}

Result<Allow> Allow::parse(const std::vector<std::string>& entries) {
    if (entries.size() > most_entries) return fail(Errc::invalid, "allow: at most 1000 entries.");
    Allow allow;
    for (const auto& entry : entries) {
        if (entry.find('/') != std::string::npos) {
            FAIRLEAD_TRY(network, IpNetwork::parse(entry));
            allow.networks_.push_back(network);
        } else {
            FAIRLEAD_TRY(place, parse_place(entry));
            allow.places_.push_back(place);
        }
    }
    return allow;
}

bool Allow::names(const Place& place) const {
    return std::ranges::find(places_, place) != places_.end();
}

bool Allow::in_networks(const IpAddress& address) const {
    return std::ranges::any_of(networks_, [&](const auto& one) { return one.holds(address); });
}

bool Allow::by_name(const Place& place, const IpAddress& address) const {
    return !address.is_public() && !in_networks(address) && names(place);
}

Result<> Allow::leads_outside(const Place& place, const IpAddress& address) const {
    auto shown = address.text() == place.host ? place.host : place.host + " is " + address.text();
    if (link_local(address))
        return refused(shown + ", a link-local address, which nothing may be asked from.");
    if (address.is_public() || in_networks(address) || names(place)) return {};
    return refused(
        shown + ", which is not an address on the internet, and no exception of the operator names "
                "it."
    );
}

Result<> Allow::permits(const Place& place, const IpAddress& address) const {
    if (!port(place) && !link_local(address))
        return refused(
            place.text() + " is not at port 443, and no exception of the operator names it."
        );
    return leads_outside(place, address);
}

Result<> Allow::permits_challenge(const std::string& host, const IpAddress& address) const {
    return leads_outside({host, http_port}, address);
}

} // namespace fairlead::egress
