#include "controller/metrics/series.hpp"

#include "common/runtime/id.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace fairlead::metrics {

std::span<const Series> series_of(std::string_view subject) {
    if (subject.starts_with(ServerIdKind::prefix)) return server_series;
    return environment_series;
}

std::size_t place_of(std::span<const Series> all, std::string_view name) {
    auto found = std::ranges::find(all, name, &Series::name);
    if (found == all.end()) throw std::logic_error("no such series: " + std::string(name));
    return static_cast<std::size_t>(found - all.begin());
}

} // namespace fairlead::metrics
