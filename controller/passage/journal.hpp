/// Where the opening and the end of each connection are written down.
#pragma once

#include "common/runtime/clock.hpp"
#include "controller/api/change.hpp"
#include "controller/api/response.hpp"

#include <chrono>
#include <string>

namespace fairlead::passage {

/// Worker threads only.
class Journal {
public:
    Journal(const api::Desk& desk, const Clock& clock) : desk_(desk), clock_(clock) {}

    /// Before anything is opened: what is not written down does not happen. Returns its name here,
    /// which belongs to its end.
    Result<std::string> opened(const api::SocketOffer& offer);
    Result<> closed(
        const api::SocketOffer& offer, const std::string& name, const std::string& reason,
        std::chrono::milliseconds lasted
    );

private:
    api::Desk desk_;
    const Clock& clock_;
};

} // namespace fairlead::passage
