/// How requests reach an environment's Odoo. A deployment switches through this interface and knows
/// no more of it. Odoo itself always listens on the loopback address; what differs is the door.
#pragma once

#include "agent/deploy/layout.hpp"
#include "agent/host/systemd.hpp"
#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::deploy {

/// Each call may come again after a crash in its middle. Stateless: what there is to know is in the
/// releases' folders.
class Exposure {
public:
    virtual ~Exposure() = default;

    /// What a release's folder holds for the door: file names and texts, part of the release's
    /// proof.
    virtual std::vector<std::pair<std::string, std::string>>
    files(const proto::EnvironmentSpec& environment) const = 0;

    /// Units that stand before Odoo's own. They are enabled, started and stopped with it, first.
    virtual std::vector<std::string> units(const Place& place) const = 0;

    /// Whether the door stays as it is when release `number` takes the place of the current one:
    /// then requests wait at it while Odoo restarts. Errc::not_found: there is no such release.
    virtual Result<bool> stays_open(const Place& place, std::uint32_t number) const = 0;

    /// Makes the door follow the link `current`. systemd has not read it yet: the caller reloads.
    virtual Result<> attach(const Layout& layout, const Place& place) const = 0;

    /// Shuts it; Odoo is stopped already. The next start opens the one that `attach` has set.
    virtual Result<> shut(host::Systemd& systemd, const Place& place) const = 0;

    /// Takes away what `attach` made. The caller reloads systemd.
    virtual Result<> detach(const Layout& layout, const Place& place) const = 0;

    /// Where the current release answers on the loopback address: for the health check.
    virtual Result<std::uint16_t> port(const Place& place) const = 0;
};

/// A port of the loopback address that systemd holds, so that no request is refused while Odoo
/// restarts behind it.
class LocalPort final : public Exposure {
public:
    std::vector<std::pair<std::string, std::string>> files(const proto::EnvironmentSpec& environment
    ) const override;
    std::vector<std::string> units(const Place& place) const override;
    Result<bool> stays_open(const Place& place, std::uint32_t number) const override;
    Result<> attach(const Layout& layout, const Place& place) const override;
    Result<> shut(host::Systemd& systemd, const Place& place) const override;
    Result<> detach(const Layout& layout, const Place& place) const override;
    Result<std::uint16_t> port(const Place& place) const override;
};

/// The way that every environment is reached today.
const Exposure& local_port();

} // namespace fairlead::deploy
