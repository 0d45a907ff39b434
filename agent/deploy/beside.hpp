/// A second process of an environment beside the one that is live: first on a port of its own, to
/// see whether a release works before anybody is sent to it; then at the environment's own port,
/// so that requests are answered while the live process changes.
#pragma once

#include "agent/deploy/layout.hpp"
#include "agent/deploy/records.hpp"
#include "agent/host/systemd.hpp"
#include "common/runtime/result.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fairlead::deploy {

/// fairlead-odoo-beside@.service; never enabled: it lives as long as one step of an operation.
std::string beside_template();

/// What differs of it for one release: its service.conf, with another port, or with the socket that
/// the live process has too where `port` is absent. It does no scheduled actions.
std::string beside_conf(
    const Place& place, const ReleaseRecord& release, const std::string& service_conf,
    std::optional<std::uint16_t> port
);

/// Why two processes of these releases cannot run at once; empty when they can.
std::string
beside_hindrance(const ReleaseRecord& live, const ReleaseRecord& next, std::uint64_t memory_free);

/// Memory that one process, or a set of workers, is reckoned with.
std::uint64_t memory_of(const proto::EnvironmentSpec& environment);

/// The unit of one environment. Each call may come again after a crash in its middle.
class Beside {
public:
    Beside(const Layout& layout, const Place& place, host::Systemd& systemd)
        : layout_(layout), place_(place), systemd_(systemd) {}

    std::string unit() const { return place_.beside(); }
    /// Starts release `number`; it does not wait until that serves.
    Result<> start(std::uint32_t number, std::optional<std::uint16_t> port);
    /// Lets its requests end, stops it, and takes away what `start` made. Fine when there is
    /// nothing.
    Result<> stop();

private:
    const Layout& layout_;
    const Place& place_;
    host::Systemd& systemd_;
};

} // namespace fairlead::deploy
