/// Serves one connection after the other on a thread of its own, for as long as it lives.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace fairlead::certificates {

class Attendant {
public:
    /// `serve` gets each peer, and a descriptor that can be read once it shall end.
    using Serve = std::function<void(Descriptor peer, int stop)>;
    /// Errc::internal.
    static Result<std::unique_ptr<Attendant>> start(Descriptor listening, Serve serve);
    /// Ends what is under way.
    ~Attendant();
    Attendant(const Attendant&) = delete;

private:
    Attendant(Descriptor listening, Descriptor stop, Serve serve);
    void run();

    Descriptor listening_, stop_;
    Serve serve_;
    std::thread thread_;
};

/// A Unix socket in a folder, whose path may be longer than a socket's name. Errc::internal.
Result<Descriptor> listen_in(const std::string& folder, const std::string& name);
/// A free port of 127.0.0.1, which it tells. Errc::internal.
Result<Descriptor> listen_on_loopback(std::uint16_t& port);

} // namespace fairlead::certificates
