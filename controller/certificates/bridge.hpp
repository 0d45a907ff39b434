/// The client's way out for the length of one run: a proxy on loopback that leads to the
/// authority's directory, by the controller's own way, and nowhere else.
#pragma once

#include "common/runtime/secret.hpp"
#include "controller/certificates/attendant.hpp"
#include "controller/egress/allow.hpp"
#include "controller/outbound/way.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace fairlead::certificates {

/// Whoever does not know its password, which is new each time, gets nothing: others on this machine
/// may reach the port.
class Bridge {
public:
    static constexpr std::size_t longest_head = 4096;
    static constexpr std::uint64_t most_bytes = 16 * 1024 * 1024; ///< of one connection

    /// Errc::internal. `until`: no connection outlives it.
    static Result<std::unique_ptr<Bridge>>
    open(outbound::Way& way, egress::Place to, outbound::Deadline until);

    /// For https_proxy: "http://fairlead:password@127.0.0.1:port".
    Secret url() const;
    /// Why the last connection did not come about, if it did not.
    std::optional<Error> failure() const;

private:
    Bridge(outbound::Way& way, egress::Place to, outbound::Deadline until);
    void serve(Descriptor peer, int stop);
    /// Where the head asks to be connected to; otherwise the answer is a refusal's.
    Result<> permit(const std::string& head) const;

    outbound::Way& way_;
    egress::Place to_;
    outbound::Deadline until_;
    std::string password_;
    std::uint16_t port_ = 0;
    mutable std::mutex lock_;
    std::optional<Error> failure_;
    std::unique_ptr<Attendant> attendant_; ///< last: ends before the rest goes away
};

} // namespace fairlead::certificates
