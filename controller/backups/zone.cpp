#include "controller/backups/zone.hpp"

#include "common/runtime/file.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

namespace fairlead::backups {
namespace {

constexpr std::size_t max_file = 256 << 10;
constexpr std::size_t header_size = 44;

std::int64_t big_endian(std::string_view bytes) {
    std::uint64_t value = static_cast<unsigned char>(bytes.front()) & 0x80 ? ~std::uint64_t(0) : 0;
    for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(value);
}

/// The counts of a TZif header.
struct Header {
    std::size_t isut = 0, isstd = 0, leap = 0, times = 0, types = 0, chars = 0;
    /// Of the block behind it, with times of `width` bytes.
    std::size_t size(std::size_t width) const {
        return times * (width + 1) + types * 6 + chars + leap * (width + 4) + isstd + isut;
    }
};

std::optional<Header> header(std::string_view text) {
    if (text.size() < header_size || !text.starts_with("TZif")) return std::nullopt;
    auto count = [&](std::size_t index) {
        auto value = big_endian(text.substr(20 + 4 * index, 4));
        return static_cast<std::size_t>(std::clamp<std::int64_t>(value, 0, max_file));
    };
    return Header{count(0), count(1), count(2), count(3), count(4), count(5)};
}

} // namespace

Zone Zone::named(std::string_view name) {
    if (name == "UTC" || name.empty() || name.find("..") != std::string_view::npos) return {};
    auto text = read_file(std::filesystem::path("/usr/share/zoneinfo") / name, max_file);
    return text ? parse(*text) : Zone();
}

Zone Zone::parse(std::string_view text) {
    auto old = header(text);
    if (!old || text[4] < '2') return {};
    // The first block has times of four bytes, for readers of long ago.
    auto skip = header_size + old->size(4);
    if (skip > text.size()) return {};
    text.remove_prefix(skip);
    auto head = header(text);
    if (!head || head->types == 0 || head->size(8) > text.size() - header_size) return {};
    text.remove_prefix(header_size);
    auto times = text.substr(0, head->times * 8);
    auto indexes = text.substr(head->times * 8, head->times);
    auto types = text.substr(head->times * 9, head->types * 6);
    auto offset = [&](std::size_t type) {
        return static_cast<std::int32_t>(big_endian(types.substr(type * 6, 4)));
    };
    Zone zone;
    zone.first_ = offset(0);
    for (std::size_t i = 0; i < head->times; ++i) {
        auto type = static_cast<unsigned char>(indexes[i]);
        if (type >= head->types) return {};
        zone.changes_.push_back({big_endian(times.substr(i * 8, 8)), offset(type)});
    }
    bool in_order = std::ranges::is_sorted(zone.changes_, {}, &Change::from);
    return in_order ? zone : Zone();
}

std::chrono::seconds Zone::offset_at(Timestamp at) const {
    auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    auto after = std::ranges::upper_bound(changes_, seconds, {}, &Change::from);
    return std::chrono::seconds(after == changes_.begin() ? first_ : std::prev(after)->offset);
}

} // namespace fairlead::backups
