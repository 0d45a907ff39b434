/// What goes through one terminal, kept until the other side has it: output until the browser has
/// shown it, input until the server has taken it. No socket, no clock.
#pragma once

#include "common/runtime/result.hpp"
#include "common/stream/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::terminal {

/// Offsets count the bytes of one direction from 0. A browser whose connection broke says up to
/// where it has received; output goes on from there, and it is told from where on its input is
/// wanted: so nothing is lost or doubled.
class Room {
public:
    static constexpr std::size_t output_window = 256 * 1024; ///< that the browser has not taken
    static constexpr std::size_t input_window = 64 * 1024;   ///< that the server has not taken

    // ---- output, from the server

    /// How much may be read from the server now; 0: its program waits.
    std::size_t space() const;
    void output(std::string_view bytes);
    /// The next bytes for the browser's connection, at most `limit`; none: all is sent.
    std::string next_output(std::size_t limit);
    bool all_sent() const { return sent_ == end(); }
    /// The browser has shown everything up to this offset. Errc::invalid for what was never sent,
    /// or was taken before.
    Result<> took(std::uint64_t offset);
    /// Nobody will read it any more: what is kept goes, and what comes is dropped.
    void drop_output();

    // ---- input, from the browser

    /// Errc::invalid when more than input_window waits.
    Result<> typed(std::string_view bytes);
    bool has_input() const { return input_.size() > 0; }
    std::string next_input(std::size_t limit);
    /// The server has taken so much more of what next_input() gave.
    void passed(std::size_t count) { passed_ += count; }
    /// Up to where the server has taken it.
    std::uint64_t input_passed() const { return passed_; }
    /// Up to where it has come from the browser.
    std::uint64_t input_received() const { return received_; }

    // ---- another connection of the browser

    /// It has received up to this offset, shown or not. Errc::invalid when that is outside of what
    /// is kept.
    Result<> resume(std::uint64_t received);

private:
    std::uint64_t end() const { return taken_ + kept_.size(); }

    stream::Bytes kept_; // output from `taken_` on
    std::uint64_t taken_ = 0, sent_ = 0;
    bool dropping_ = false;
    stream::Bytes input_; // from `received_` - size on
    std::uint64_t received_ = 0, passed_ = 0;
};

} // namespace fairlead::terminal
