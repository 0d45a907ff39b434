#include "agent/logs/plain_text.hpp"

#include "common/runtime/utf8.hpp"

#include <algorithm>

namespace fairlead::logs {
namespace {

constexpr std::string_view unknown = "\xEF\xBF\xBD";

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
            auto found = utf8::letter(bytes);
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
