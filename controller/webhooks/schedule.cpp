#include "controller/webhooks/schedule.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <string>

namespace fairlead::webhooks {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::array<milliseconds, most_tries - 1> pauses{5s, 30s, 2min, 10min, 1h, 6h, 24h};

} // namespace

std::optional<milliseconds> pause_after(std::int64_t tries, double chance) {
    if (tries < 1 || tries >= most_tries) return std::nullopt;
    auto pause = static_cast<double>(pauses[static_cast<std::size_t>(tries - 1)].count());
    return milliseconds(static_cast<std::int64_t>(pause * (0.8 + 0.4 * chance)));
}

std::optional<milliseconds> retry_after(std::string_view value, Timestamp now) {
    milliseconds asked{};
    bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
    if (digits) {
        std::int64_t seconds = 0;
        auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
        bool huge = error != std::errc() || seconds > std::chrono::seconds(longest_pause).count();
        asked = huge ? milliseconds(longest_pause) : milliseconds(seconds * 1000);
    } else {
        std::tm parts{};
        std::string text(value);
        const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        if (!end || *end != '\0') return std::nullopt;
        auto at = from_ms(static_cast<std::int64_t>(timegm(&parts)) * 1000);
        asked = at - now;
    }
    return std::clamp<milliseconds>(asked, 0ms, longest_pause);
}

} // namespace fairlead::webhooks
