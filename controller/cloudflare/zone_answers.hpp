/// What Cloudflare's API answers, read without a connection.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "controller/outbound/outbound.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cloudflare {

inline constexpr std::size_t answer_bytes = 256 * 1024; ///< the longest that is read
inline constexpr std::size_t most_shown = 400;          ///< of Cloudflare's own words

/// A custom hostname as Cloudflare has it. The states are its own words; text is printable and of
/// bounded length.
struct Remote {
    std::string id;
    std::string name;
    std::string status;     ///< of the host name: "pending", "active", "blocked" …
    std::string ssl_status; ///< of its certificate: "pending_validation", "active" …
    std::string complaint;  ///< what it misses, in its words; "" where it misses nothing
    std::optional<Timestamp> created;
};

/// Another name may end alike.
bool concerns_all(const std::string& code);
/// Whether a request that failed so may have been carried out.
bool is_uncertain(const Error& error);

/// "cloudflare_bad_answer": `what` it was, in a few words.
tl::unexpected<Error> bad_answer(std::string_view what, std::string detail = {});
/// The result of an answer, or the failure that it tells.
Result<Remote> read_hostname(const outbound::Answer& answer);
struct FoundPage {
    std::vector<Remote> hostnames;
    std::int64_t pages = 1; ///< in all
};
Result<FoundPage> read_page(const outbound::Answer& answer);
Result<> read_removed(const outbound::Answer& answer);

} // namespace fairlead::cloudflare
