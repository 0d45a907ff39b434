/// What a browser and the controller say over a terminal's WebSocket, beside the bytes themselves
/// (README.md).
#pragma once

#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"
#include "controller/terminal/ending.hpp"
#include "proto/terminal.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::terminal {

/// Of a message with text.
inline constexpr std::size_t longest_text = 4 * 1024;

/// From the browser.
struct Said {
    enum class What { open, resume, took, resize, close };
    Said() = default;

    What what = What::close;
    Secret proof;             ///< open: the ticket. resume: the secret
    std::uint64_t bytes = 0;  ///< resume: received. took: shown
    proto::TerminalSize size; ///< resize
};

/// Errc::invalid.
Result<Said> read_said(std::string_view text);

std::string say_opened(const Secret& secret, std::chrono::seconds patience);
std::string say_resumed(const Secret& secret, std::uint64_t input);
std::string say_took(std::uint64_t input);
std::string say_ended(const Ending& ending);

} // namespace fairlead::terminal
