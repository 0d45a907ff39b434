/// The live links, as the subjects see them; the gateway's hub implements it.
#pragma once

#include "common/runtime/id.hpp"

#include <string>
#include <vector>

namespace fairlead::operations {

/// Thread-safe; never blocks, never calls back on the same stack. Servers without a link are no
/// error.
class Links {
public:
    virtual ~Links() = default;

    /// Sends these texts, in the order of the calls, if the link of this id is there; what does not
    /// arrive is brought again by the next hello. From UnitOfWork::after_commit only: they are
    /// durable.
    virtual void
    send(const ServerId& server, std::string link, std::vector<std::string> messages) = 0;

    /// There is something for this server: the hub asks AgentService::due soon, on a worker thread.
    virtual void wake(const ServerId& server) = 0;

    /// Sends `refused` with this code and sentence and closes the link at once.
    virtual void cut(const ServerId& server, std::string code, std::string message) = 0;
};

} // namespace fairlead::operations
