/// Ends what is done over a connection when somebody asks for it.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"

#include <functional>
#include <memory>
#include <stop_token>

namespace fairlead::outbound {

/// For as long as it lives, a stop shuts the connection down: whoever waits on it, on any thread,
/// finds its end. It has a descriptor of its own, so that the connection may be closed meanwhile.
class Cut {
public:
    /// Errc::unavailable, code "outbound_busy", where no descriptor is left.
    static Result<Cut> on(const Descriptor& connection, const std::stop_token& stop);
    Cut(Cut&&) noexcept = default;

private:
    using Callback = std::stop_callback<std::function<void()>>;
    explicit Cut(Descriptor held) : held_(std::move(held)) {}

    Descriptor held_;
    std::unique_ptr<Callback> callback_; ///< last: gone before the descriptor is
};

tl::unexpected<Error> stopped();

} // namespace fairlead::outbound
