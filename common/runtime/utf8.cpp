#include "common/runtime/utf8.hpp"

namespace fairlead::utf8 {
namespace {

bool follows(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

} // namespace

std::size_t letter(std::string_view text) {
    if (text.empty()) return 0;
    auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return 1;
    std::size_t size = first >= 0xC2 && first < 0xE0   ? 2
                       : first >= 0xE0 && first < 0xF0 ? 3
                       : first >= 0xF0 && first < 0xF5 ? 4
                                                       : 0;
    if (size == 0 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if (!follows(text[i])) return 0;
    auto second = static_cast<unsigned char>(text[1]);
    bool other = (first == 0xE0 && second < 0xA0) || (first == 0xED && second >= 0xA0) ||
                 (first == 0xF0 && second < 0x90) || (first == 0xF4 && second >= 0x90);
    return other ? 0 : size;
}

bool valid(std::string_view text) {
    while (auto size = letter(text)) text.remove_prefix(size);
    return text.empty();
}

std::string repaired(std::string_view text) {
    std::string whole;
    whole.reserve(text.size());
    while (!text.empty()) {
        auto size = letter(text);
        if (size == 0)
            whole += "\xEF\xBF\xBD";
        else
            whole += text.substr(0, size);
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return whole;
}

std::string_view cut(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    // A letter has four bytes at most; what is longer without a beginning is no UTF-8 anyway.
    for (std::size_t back = 0; back < 4 && back < bytes; ++back)
        if (!follows(text[bytes - back])) return text.substr(0, bytes - back);
    return text.substr(0, bytes);
}

} // namespace fairlead::utf8
