/// Which host name leads to which environment.
#pragma once

#include "common/runtime/id.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fairlead::edge {

/// Where the requests for a host name go.
struct Route {
    Route() = default;

    OrgId org;
    EnvironmentId environment;
    std::string slug;
    ServerId server;
    std::uint16_t port = 0;
    std::uint16_t gevent_port = 0; ///< for the live bus; 0 where `port` serves that too

    bool operator==(const Route&) const = default;
};

/// A host name in the one spelling that a table knows: lower case, without a trailing dot.
std::string plain_name(std::string_view name);

/// Never changes once it is in use: a new one takes its place.
class Table {
public:
    /// The first route of a name counts. `host` is plain.
    void add(std::string host, std::shared_ptr<const Route> route);

    /// None when nothing is known of the name, which is plain.
    std::shared_ptr<const Route> find(const std::string& host) const;

    /// Whose each host name is.
    std::map<std::string, OrgId> owners() const;

    std::size_t size() const { return routes_.size(); }

private:
    std::unordered_map<std::string, std::shared_ptr<const Route>> routes_;
};

} // namespace fairlead::edge
