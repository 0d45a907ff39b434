/// Why a terminal is over.
#pragma once

#include "common/runtime/result.hpp"
#include "proto/terminal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace fairlead::terminal {

/// `reason` is a stable word (README.md lists them), `message` a sentence for whoever sat there.
struct Ending {
    Ending() = default;
    Ending(std::string why, std::string sentence)
        : reason(std::move(why)), message(std::move(sentence)) {}

    std::string reason;
    std::string message;
    std::optional<int> code{}; ///< of the shell: reason "exited"
    std::string signal{};      ///< that ended it: reason "killed"
    bool refused = false;      ///< by the server, which opened nothing
};

/// What the server said last.
Ending ending_of(const proto::TerminalEnd& end);
/// The server reset the stream with this code, or the link lost it (code 0). `opened`: something
/// had come.
Ending ending_of_reset(std::uint32_t code, const Error& failure, bool opened);

} // namespace fairlead::terminal
