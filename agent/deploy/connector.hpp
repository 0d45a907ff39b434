/// Environments that are reached through Cloudflare by its own connector: one cloudflared each, as
/// a unit of its own.
#pragma once

#include "agent/deploy/cloudflared.hpp"
#include "agent/host/systemd.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace fairlead::deploy {

/// What a connector needs of this server.
class ConnectorUnits {
public:
    virtual ~ConnectorUnits() = default;
    virtual Result<host::UnitState> state(const std::string& unit) = 0;
    virtual Result<> reload() = 0;
    virtual Result<> start(const std::string& unit) = 0;
    virtual Result<> stop(const std::string& unit) = 0;
    virtual Result<> enable(const std::string& unit) = 0;
    virtual Result<> disable(const std::string& unit) = 0;
    virtual std::vector<std::string> last_lines(const std::string& unit) = 0;
    /// Fine when the connector at that address says that it is connected to Cloudflare; else why
    /// not.
    virtual Result<> ready(const std::string& address, std::uint16_t port) = 0;
};

/// systemd, and the connector's own /ready.
class SystemdUnits final : public ConnectorUnits {
public:
    explicit SystemdUnits(host::Systemd& systemd) : systemd_(systemd) {}
    Result<host::UnitState> state(const std::string& unit) override;
    Result<> reload() override;
    Result<> start(const std::string& unit) override;
    Result<> stop(const std::string& unit) override;
    Result<> enable(const std::string& unit) override;
    Result<> disable(const std::string& unit) override;
    std::vector<std::string> last_lines(const std::string& unit) override;
    Result<> ready(const std::string& address, std::uint16_t port) override;

private:
    host::Systemd& systemd_;
};

/// Of whoever waits for a connector.
struct ConnectorWatch {
    std::function<bool()> stopping;
    std::function<void(std::string_view)> info, error;
};

/// Stateless, as Sites is: what runs is what the links in the environment's folder lead to.
class Connector {
public:
    static constexpr auto connect_limit = std::chrono::seconds(60);

    Connector(
        const Layout& layout, ConnectorUnits& units, std::chrono::milliseconds limit = connect_limit
    )
        : layout_(layout), units_(units), limit_(limit) {}

    /// Tries the token of release `number` beside the connector that serves, before anything
    /// changes; fine where none serves, or with that token already. Codes as of serve().
    Result<> prove(const Place& place, std::uint32_t number, const ConnectorWatch& watch);

    /// Nothing is left of a try.
    Result<> stop_trial(const Place& place);

    /// The connector runs as release `number` says, with the newest token that any release came
    /// with, and is connected; where no connector is wanted it is stopped. Another token is tried
    /// beside the one that serves, which goes on when it fails. Codes "cloudflared_not_connected",
    /// "cloudflared_missing", "cancelled".
    Result<> serve(const Place& place, std::uint32_t number, const ConnectorWatch& watch);

    /// The same without a try and without waiting, and without the token of a release that the
    /// operation `undone` made.
    Result<> put_back(const Place& place, std::uint32_t number, const std::string& undone);

    /// Nothing of it is left. Fine when nothing was there.
    Result<> remove(const Place& place);

private:
    struct Wanted {
        std::filesystem::path conf, token;
        std::uint16_t port = 0;
    };
    Result<Wanted>
    wanted(const Place& place, std::uint32_t number, const std::string& undone) const;
    /// True where it runs like that already.
    Result<bool> runs_as(const Place& place, const Wanted& wanted);
    Result<> install();
    Result<> change(const Place& place, const Wanted& wanted);
    Result<> try_beside(const Place& place, const Wanted& wanted, const ConnectorWatch& watch);
    Result<> wait(
        const std::string& unit, const std::string& address, std::uint16_t port,
        const ConnectorWatch& watch
    );
    std::filesystem::path conf_of(const Place& place, const std::string& unit) const;

    const Layout& layout_;
    ConnectorUnits& units_;
    std::chrono::milliseconds limit_;
};

/// The program that root put there, "" for none; not by the sandbox's eyes but by its mode: the
/// connector's user must be able to run it.
std::filesystem::path cloudflared_program();

} // namespace fairlead::deploy
