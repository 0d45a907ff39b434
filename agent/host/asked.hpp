/// A process that systemd started for a socket or for one connection of the link: taking it,
/// hearing what is wanted, and answering. Frames are four bytes of length (big endian) and that
/// much JSON.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"
#include "proto/messages.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace fairlead::host {

/// Of the first frame.
inline constexpr std::size_t largest_opening = 4096;

/// SIGTERM, SIGINT and SIGHUP, blocked, as something to poll; SIGPIPE is ignored.
Descriptor stop_signals();

/// What systemd listens on for `unit`, a socket. Non-blocking. Errc::not_found.
Result<Descriptor> activated_socket(std::string_view unit);

/// Standard input, which systemd made the connection; it becomes /dev/null. Non-blocking, and holds
/// little that the other side has not read. `unit` is what starts this, for people. Errc::forbidden
/// unless the other side is `link_user`: whoever else reaches the socket is told nothing.
Result<Descriptor> take_connection(const std::string& link_user, std::string_view unit);

/// The body of the first frame. Errc::timeout, Errc::invalid, Errc::unavailable when the link has
/// gone.
Result<std::string> read_opening_frame(int peer, std::chrono::milliseconds wait);

/// proto::OpeningAnswer. False when nobody is there to hear it.
bool answer(int peer, proto::StreamEnd code, std::string_view reason);
bool answer_open(int peer);

} // namespace fairlead::host
