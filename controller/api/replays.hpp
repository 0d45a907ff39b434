/// First answers to requests that carry an Idempotency-Key; `access` keeps them.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/api/call.hpp"
#include "controller/api/principal.hpp"
#include "controller/api/response.hpp"

#include <optional>
#include <string_view>

namespace fairlead::api {

/// Thread-safe; called on worker threads, between the guard and the handler of a POST by somebody
/// signed in.
class Replays {
public:
    virtual ~Replays() = default;

    /// Nothing: go on, and call finish(). A response: send it again, and do nothing. Errc::invalid
    /// for a key that is none; Errc::conflict (idempotency_conflict) for another request under the
    /// same key, or one that is still being worked on or was interrupted.
    virtual Result<std::optional<Response>>
    begin(const Request& request, const Principal& who, std::string_view key) = 0;

    /// Keeps the answer, or with nothing forgets the key: the request had no effect and may be
    /// tried again.
    virtual void finish(const Principal& who, std::string_view key, const Response* answer) = 0;
};

} // namespace fairlead::api
