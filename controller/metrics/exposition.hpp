/// The newest measurements of an organization in the text format of Prometheus (version 0.0.4).
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/metrics/newest.hpp"

#include <string>

namespace fairlead::metrics {

/// Of those that the scope sees: at most 10,000 servers and 10,000 environments. What was not
/// measured in the last minutes has no line, except for whether a server is online.
Result<std::string> exposition(
    store::Connection& db, const api::OrgScope& scope, const NewestOfAll& newest, Timestamp now
);

/// A label's value between quotation marks.
std::string label_text(std::string_view value);

} // namespace fairlead::metrics
