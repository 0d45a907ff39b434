/// Why a reading was not opened, or does not go on.
#pragma once

#include "common/runtime/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead::logs {

/// `word` is stable (README.md lists them), `message` a sentence for whoever reads.
struct LastWords {
    LastWords() = default;
    LastWords(std::string why, std::string sentence)
        : word(std::move(why)), message(std::move(sentence)) {}

    std::string word;
    std::string message;
};

/// What is read, in the words of its errors.
struct Thing {
    std::string_view noun;    ///< "log"
    std::string_view code;    ///< "log": of "log_failed"
    std::string_view section; ///< of the server's policy
    std::string_view unit;    ///< of its systemd
};
inline constexpr Thing a_log{"log", "log", "logs", "fairlead-logs"};
inline constexpr Thing some_mail{"captured mail", "mail", "mail", "fairlead-mailbox"};
inline constexpr Thing a_recording{"recording", "recording", "recordings", "fairlead-recordings"};

/// The server reset the stream with this code before it opened anything: an error with a code of
/// the contract.
Error refusal_of(std::uint32_t code, const Error& failure, const Thing& thing = a_log);

/// The same later, or the link lost it (code 0).
LastWords lost(std::uint32_t code, const Error& failure, const Thing& thing = a_log);

/// The last line of what is read as JSON.
std::string end_line(const LastWords& words);

} // namespace fairlead::logs
