#include "agent/host/memory.hpp"

#include "common/runtime/file.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace fairlead::host {
namespace {

std::uint64_t bytes_of(std::string_view text, std::string_view key) {
    auto at = text.find(std::string(key) + ":");
    if (at == std::string_view::npos) return 0;
    at = std::min(text.find_first_of("0123456789", at), text.size());
    std::uint64_t kib = 0;
    std::from_chars(text.data() + at, text.data() + text.size(), kib);
    return kib * 1024;
}

} // namespace

Memory memory() {
    auto text = read_file("/proc/meminfo", 65536);
    if (!text) return {};
    return {
        bytes_of(*text, "MemTotal"), bytes_of(*text, "MemAvailable") + bytes_of(*text, "SwapFree")};
}

} // namespace fairlead::host
