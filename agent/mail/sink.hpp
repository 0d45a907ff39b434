/// The process that takes mail in: SMTP on the loopback address, a box for each environment. One
/// thread, which ends when nobody has spoken to it for a while; its socket and a timer start it
/// anew.
#pragma once

#include "agent/mail/account.hpp"
#include "agent/mail/box.hpp"
#include "agent/mail/smtp_session.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/file.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fairlead::mail {

/// Messages of the environments that have an account, into their boxes.
class Boxes final : public Mailroom {
public:
    Boxes(Places places, const Clock& clock) : places_(std::move(places)), clock_(clock) {}

    bool may_enter(const std::string& user, std::string_view password) override;
    Result<std::unique_ptr<Delivery>> begin(const std::string& user) override;

    /// Removes from every box what its retention does not let stay.
    void sweep();

private:
    class Arriving;
    /// What a box holds as far as it is known: other processes only take away.
    struct Fill {
        std::size_t messages = 0;
        std::uint64_t bytes = 0;
    };
    Result<> count(const std::string& slug, std::uint64_t bytes);

    Places places_;
    const Clock& clock_;
    std::map<std::string, Fill> fills_;
};

struct SinkOptions {
    std::size_t connections = 64;
    std::chrono::milliseconds quiet{120'000}; ///< of one connection
    std::chrono::milliseconds idle{60'000};   ///< without any connection, until it ends
    std::chrono::milliseconds sweep_every{3'600'000};
    int stop_fd = -1; ///< readable when it is to end
};

/// Listens on `listener`, which is non-blocking, until it is idle or told to stop.
class Sink {
public:
    Sink(Descriptor listener, Boxes& boxes, SinkOptions options);
    ~Sink();
    Result<> run();

private:
    struct Peer;
    void accept();
    void read(Peer& peer);
    void send(Peer& peer);

    Descriptor listener_;
    Boxes& boxes_;
    SinkOptions options_;
    std::vector<std::unique_ptr<Peer>> peers_;
};

} // namespace fairlead::mail
