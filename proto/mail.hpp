/// Captured mail of an environment over byte streams: what opens a reading, and its limits
/// (README.md section 15).
#pragma once

#include "common/runtime/result.hpp"

#include <boost/describe/class.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::proto {

/// Of one message as it came by SMTP: 25 MB of attachments are 35 as base64.
inline constexpr std::uint64_t most_mail_bytes = 50ull * 1024 * 1024;
/// Messages that one list tells of.
inline constexpr std::uint32_t most_mail_lines = 200;
/// Readings at once on one server, of all its controllers.
inline constexpr std::size_t most_mail_readings = 16;
inline constexpr std::size_t longest_mail_search = 200;
/// Messages that one operation deletes by their names.
inline constexpr std::size_t most_mail_deletions = 100;

/// What the controller opens a stream for: a list of captured messages, or one as it came. It
/// travels signed, see capability.hpp. The first and the last byte are as those of logs (log.hpp):
/// no message is kept with a byte 0 in it.
struct MailPurpose {
    static constexpr std::string_view mail_kind = "mail";
    std::string kind;        ///< "mail"
    std::string reading;     ///< "log_…", for the server's own log
    std::string environment; ///< its id
    std::string message;     ///< a message's name; empty: the list
    std::uint32_t lines = 0; ///< of the list, at most
    std::string before;      ///< of the list: a message's name; those that are older
    std::string search;      ///< of the list: text in a sender, a recipient or the subject
};
BOOST_DESCRIBE_STRUCT(MailPurpose, (), (kind, reading, environment, message, lines, before, search))

/// On the socket between the agent's link and the process that reads.
struct MailOpening {
    MailPurpose what;
    std::string slug; ///< of the environment, as the executor's inventory has it
};
BOOST_DESCRIBE_STRUCT(MailOpening, (), (what, slug))

/// One line of the list. Texts are decoded, cut to 300 bytes and without control characters.
struct MailSummary {
    std::string id;
    std::int64_t at_ms = 0;
    std::uint64_t bytes = 0;
    std::string sender;                  ///< of the envelope
    std::vector<std::string> recipients; ///< of the envelope, the first ten
    std::uint32_t recipient_count = 0;
    std::string from; ///< as the header has it
    std::string to;
    std::string subject;
};
BOOST_DESCRIBE_STRUCT(
    MailSummary, (), (id, at_ms, bytes, sender, recipients, recipient_count, from, to, subject)
)

/// "1767225600000-0123456789ab": milliseconds since 1970, and what makes it one of its own.
bool is_mail_id(std::string_view text);

/// That everything in it is within what may be asked for, whoever asks. Errc::invalid.
Result<> check(const MailPurpose& purpose);

} // namespace fairlead::proto
