/// What rules are held against: the value of each server, environment and certificate, now.
#pragma once

#include "common/store/connection.hpp"
#include "controller/alerts/kinds.hpp"
#include "controller/api/principal.hpp"
#include "controller/metrics/newest.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::alerts {

struct Observation {
    std::string id; ///< of the server, the environment or the certificate
    std::string name;
    std::string server_id;         ///< "" for a certificate of a name
    std::string project_id;        ///< of an environment
    std::optional<double> value{}; ///< none: nobody knows now

    /// Is it what a rule with this target is about?
    bool is_of(std::string_view target) const;
};

/// In the unit of its kind. What stands there is there, known or not; what does not is gone.
using Observations = std::map<Kind, std::vector<Observation>>;

/// Of these kinds alone. At most 10,000 of each.
Result<Observations> observe(
    store::Connection& db, const api::OrgScope& scope, const metrics::NewestOfAll& newest,
    const std::set<Kind>& kinds, Timestamp now
);

} // namespace fairlead::alerts
