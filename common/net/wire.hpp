/// The bytes of one TLS connection, for a handler that speaks a protocol of its own.
#pragma once

#include "common/async/task.hpp"
#include "common/net/peer.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string_view>

namespace fairlead::net {

/// One coroutine may read while another writes. Each wait has a limit of its own: Errc::timeout
/// when it passes; what is under way then fails too, and that direction works no more.
/// Errc::unavailable when the connection is lost.
class Wire {
public:
    using Limit = std::chrono::milliseconds;
    /// For a wait that something else ends.
    static constexpr Limit unlimited = Limit::max();

    virtual ~Wire() = default;

    virtual const PeerInfo& peer() const = 0;

    /// Returns when there is something to read, or the peer has ended. Needs no buffer.
    virtual Task<Result<>> wait_readable(Limit limit) = 0;
    /// At least one byte; none when the peer has ended its side.
    virtual Task<Result<std::size_t>> read_some(char* into, std::size_t size, Limit limit) = 0;
    /// All of `first`, then all of `second`. They live until it returns.
    virtual Task<Result<>> write(std::string_view first, std::string_view second, Limit limit) = 0;

    /// The last word was written: ends our side, and for a moment drops what still comes, because
    /// closing with unread bytes would take the answer from the peer.
    virtual Task<> finish() = 0;
    /// Ends it now, so that the peer sees an error and no end. What is under way fails.
    virtual void abort() = 0;

    /// Whether a listener that stops may cut it off at once. True until it is said otherwise.
    virtual void may_be_cut(bool now) = 0;
    /// The listener stops: what is under way may end, and nothing more begins.
    virtual bool stopping() const = 0;
};

/// Runs for one connection, until it ends.
using WireHandler = std::function<Task<>(Wire&)>;

} // namespace fairlead::net
