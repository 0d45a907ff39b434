#include "common/runtime/id.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <system_error>

namespace fairlead {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void fill_random(std::array<std::uint8_t, 10>& bytes) {
    std::size_t have = 0;
    while (have < bytes.size()) {
        auto got = getrandom(bytes.data() + have, bytes.size() - have, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
        have += static_cast<std::size_t>(got);
    }
}

/// Adds one to the random part; false when it wrapped.
bool increment(std::array<std::uint8_t, 10>& bytes) {
    for (auto it = bytes.rbegin(); it != bytes.rend(); ++it)
        if (++*it != 0) return true;
    return false;
}

struct Last {
    std::mutex mutex;
    std::uint64_t ms = 0;
    std::array<std::uint8_t, 10> random{};
};

} // namespace

std::string new_ulid(Timestamp at) {
    static Last last;
    std::array<std::uint8_t, 16> bytes{};
    {
        std::scoped_lock lock(last.mutex);
        auto ms = static_cast<std::uint64_t>(to_ms(at));
        if (ms > last.ms || !increment(last.random)) {
            last.ms = std::max(ms, last.ms + (ms > last.ms ? 0 : 1));
            fill_random(last.random);
        }
        for (int i = 0; i < 6; ++i) bytes[std::size_t(i)] = std::uint8_t(last.ms >> (40 - 8 * i));
        std::copy(last.random.begin(), last.random.end(), bytes.begin() + 6);
    }
    // 128 bits as 26 characters of 5: the first holds the top three bits only.
    std::string text(26, '0');
    unsigned carry = 0;
    int bits = 0;
    std::size_t out = 26;
    for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) {
        carry |= unsigned(*it) << bits;
        bits += 8;
        while (bits >= 5) {
            text[--out] = alphabet[carry & 31];
            carry >>= 5;
            bits -= 5;
        }
    }
    if (out > 0) text[--out] = alphabet[carry & 31];
    return text;
}

bool is_ulid(std::string_view text) {
    if (text.size() != 26 || text[0] > '7') return false;
    return text.find_first_not_of(alphabet) == std::string_view::npos;
}

} // namespace fairlead
