#include "agent/logs/plain_text.hpp"

#include <algorithm>
#include <cstdint>

namespace fairlead::logs {
namespace {

constexpr std::string_view unknown = "\xEF\xBF\xBD";

/// Bytes of the character that `text` begins with; 0: it is no UTF-8.
std::size_t character(std::string_view text) {
    auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned first = at(0);
    std::size_t size = first < 0x80       ? 1
                       : first >> 5 == 6  ? 2
                       : first >> 4 == 14 ? 3
                       : first >> 3 == 30 ? 4
                                          : 0;
    if (size < 2) return size;
    if (text.size() < size) return 0;
    std::uint32_t code = first & (0xFFu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if (at(i) >> 6 != 2) return 0;
        code = code << 6 | (at(i) & 0x3Fu);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < least[size] || code > 0x10FFFF || surrogate ? 0 : size;
}

/// Of an escape sequence that begins `text`: colours and the like are of no use here.
std::size_t escape(std::string_view text) {
    if (text.size() < 2 || text[1] != '[') return 1;
    std::size_t size = 2;
    while (size < text.size() && static_cast<unsigned char>(text[size]) >= 0x20 &&
           static_cast<unsigned char>(text[size]) < 0x40)
        ++size;
    return std::min(size + 1, text.size());
}

} // namespace

std::string plain_text(std::string_view bytes, std::size_t most, bool& cut) {
    std::string text;
    text.reserve(std::min(bytes.size(), most));
    cut = false;
    while (!bytes.empty()) {
        auto first = static_cast<unsigned char>(bytes.front());
        std::size_t size = 1;
        std::string_view piece;
        if (first == 0x1B) {
            size = escape(bytes);
        } else if (first == '\t' || first == '\n' || (first >= 0x20 && first < 0x7F)) {
            piece = bytes.substr(0, 1);
        } else if (first < 0x20 || first == 0x7F) {
            piece = unknown;
        } else {
            auto found = character(bytes);
            size = std::max<std::size_t>(found, 1);
            piece = found == 0 ? unknown : bytes.substr(0, size);
        }
        if (text.size() + piece.size() > most) {
            cut = true;
            break;
        }
        text += piece;
        bytes.remove_prefix(size);
    }
    return text;
}

} // namespace fairlead::logs
