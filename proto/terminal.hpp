/// Terminals over byte streams: what opens one, and the messages in it (README.md section 12). Both
/// halves use this reader and these writers, so that they agree.
#pragma once

#include "common/runtime/result.hpp"

#include <boost/describe/class.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::proto {

/// Payload of one message. Longer ones break the rules: the stream is reset with 1.
inline constexpr std::size_t longest_terminal_message = 65'536;
/// The same for `end`, which is read as a whole.
inline constexpr std::size_t longest_terminal_end = 1024;
/// Columns, and rows. The fewest are 1.
inline constexpr std::uint16_t most_terminal_cells = 1000;
/// At once on one server.
inline constexpr std::size_t most_terminals = 200;
/// That `hello` names.
inline constexpr std::size_t most_terminal_users = 64;

/// What the controller opens a stream for: a shell of a Unix user. It travels signed, see
/// capability.hpp.
struct TerminalPurpose {
    static constexpr std::string_view terminal_kind = "terminal";
    std::string kind;     ///< "terminal"
    std::string terminal; ///< "term_…", for the server's log and the name of a recording
    std::string user;     ///< of the server
    std::uint16_t columns = 80;
    std::uint16_t rows = 24;
    std::uint32_t record = 0; ///< 1: keep a recording on the server
};
BOOST_DESCRIBE_STRUCT(TerminalPurpose, (), (kind, terminal, user, columns, rows, record))

struct TerminalSize {
    std::uint16_t columns = 80;
    std::uint16_t rows = 24;
    friend bool operator==(const TerminalSize&, const TerminalSize&) = default;
};

/// Whether both numbers are from 1 to most_terminal_cells.
bool possible(const TerminalSize& size);

/// How a terminal came to its end; one member is set.
struct TerminalEnd {
    std::optional<int> code; ///< the shell's exit code
    std::string signal;      ///< that ended the shell, without SIG: "KILL"
    std::string reason;      ///< why the server closed it: "idle", "policy", "revoked"
    friend bool operator==(const TerminalEnd&, const TerminalEnd&) = default;
};

/// The first byte of a message.
enum class TerminalMessage : char {
    input = 'i',  ///< controller to agent: bytes typed
    resize = 'r', ///< controller to agent: columns and rows, two bytes each, high one first
    output = 'o', ///< agent to controller: bytes of the terminal
    end = 'x',    ///< agent to controller, the last one: TerminalEnd as JSON
};

/// Whose messages a reader takes: the other ones break the rules.
enum class TerminalSide { controller, agent };

/// Type and length, as they stand before `size` bytes of payload: from 1 to
/// longest_terminal_message.
std::string terminal_head(TerminalMessage type, std::size_t size);

/// `bytes` as one message after another, at most longest_terminal_message each. Nothing for none.
std::string write_input(std::string_view bytes);
std::string write_output(std::string_view bytes);
/// `size` is possible().
std::string write_resize(const TerminalSize& size);
std::string write_end(const TerminalEnd& end);

/// One of a reader's findings.
struct TerminalPart {
    TerminalMessage type = TerminalMessage::input;
    std::string_view bytes; ///< input, output: some of the payload, never none
    TerminalSize size;      ///< resize: a possible() one
    TerminalEnd end;        ///< end
};

/// Reads one direction of a stream, however it was cut to pieces. Input and output are handed on
/// as they come, so it keeps no more than longest_terminal_end bytes.
class TerminalReader {
public:
    explicit TerminalReader(TerminalSide from) : from_(from) {}

    /// Takes from the front of `bytes` what makes the next part, which points into them; nothing
    /// when they are used up. Errc::invalid says what broke the rules, each time from then on.
    Result<std::optional<TerminalPart>> next(std::string_view& bytes);

    /// True where the stream may end: not within a message.
    bool between_messages() const { return head_.empty() && left_ == 0; }
    /// True after `end`, which nothing may follow.
    bool ended() const { return ended_; }

private:
    Result<> start();
    Result<TerminalPart> whole();
    tl::unexpected<Error> broken(std::string what);

    TerminalSide from_;
    TerminalMessage type_ = TerminalMessage::input;
    std::string head_;     // of the next message, while it is incomplete
    std::string body_;     // of a message that is read as a whole
    std::size_t left_ = 0; // of the payload
    bool ended_ = false;
    std::string broken_; // why, once it is
};

} // namespace fairlead::proto
