/// Where the opening and the end of each connection are written down.
#pragma once

#include "controller/api/change.hpp"
#include "controller/api/response.hpp"

#include <chrono>
#include <string>

namespace fairlead::passage {

/// Worker threads only.
class Journal {
public:
    explicit Journal(const api::Desk& desk) : desk_(desk) {}

    /// Before anything is opened: what is not written down does not happen.
    Result<> opened(const api::SocketOffer& offer);
    Result<> closed(
        const api::SocketOffer& offer, const std::string& reason, std::chrono::milliseconds lasted
    );

private:
    Result<> write(const api::SocketOffer& offer, api::Act act);
    api::Desk desk_;
};

} // namespace fairlead::passage
