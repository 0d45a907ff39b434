#include "controller/edge/quota.hpp"

namespace fairlead::edge {

std::optional<Quota::Place> Quota::take(const std::string& owner) {
    if (limit_ == 0) return std::nullopt;
    auto& entry = *taken_.try_emplace(owner, 0).first;
    if (entry.second >= limit_) return std::nullopt;
    ++entry.second;
    return Place(*this, entry);
}

void Quota::give_back(Place::Entry& place) {
    if (--place.second == 0) taken_.erase(place.first);
}

tl::expected<Shares::Places, Shares::Full>
Shares::take(const Route& route, const std::string& address) {
    auto organization = organizations_.take(route.org.str());
    if (!organization) return tl::unexpected(Full::organization);
    auto environment = environments_.take(route.environment.str());
    if (!environment) return tl::unexpected(Full::environment);
    auto of_address = address.empty() ? std::optional<Quota::Place>()
                                      : addresses_.take(route.environment.str() + " " + address);
    if (!of_address && !address.empty()) return tl::unexpected(Full::address);
    return Places{*std::move(organization), *std::move(environment), std::move(of_address)};
}

} // namespace fairlead::edge
