#include "controller/edge/table.hpp"

namespace fairlead::edge {

std::string plain_name(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    std::string plain(name);
    for (auto& c : plain)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return plain;
}

void Table::add(std::string host, std::shared_ptr<const Route> route) {
    routes_.try_emplace(std::move(host), std::move(route));
}

std::map<std::string, OrgId> Table::owners() const {
    std::map<std::string, OrgId> owners;
    for (const auto& [host, route] : routes_) owners.emplace(host, route->org);
    return owners;
}

std::shared_ptr<const Route> Table::find(const std::string& host) const {
    auto found = routes_.find(host);
    return found == routes_.end() ? nullptr : found->second;
}

} // namespace fairlead::edge
