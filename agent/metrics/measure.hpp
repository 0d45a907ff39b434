/// One measurement of PostgreSQL and of the environments of this server.
#pragma once

#include "proto/messages.hpp"

#include <filesystem>

namespace fairlead::metrics {

struct Places {
    std::filesystem::path environments = "/var/lib/fairlead/environments";
    std::filesystem::path counts = "/run/fairlead-odoo";
};

/// `deep`: also what costs more. What cannot be measured is left out; takes 10 s at most, beside
/// a database that is being asked just then.
proto::Measures measure(const Places& places, bool deep);

} // namespace fairlead::metrics
