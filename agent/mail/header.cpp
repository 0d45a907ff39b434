#include "agent/mail/header.hpp"

#include "common/runtime/utf8.hpp"

#include <algorithm>
#include <optional>

namespace fairlead::mail {
namespace {

constexpr std::size_t longest_field = 8 * 1024;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int base64(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::string from_base64(std::string_view text) {
    std::string bytes;
    unsigned held = 0, bits = 0;
    for (char c : text) {
        int value = base64(c);
        if (value < 0) continue; // also what does not belong there
        held = (held << 6 | static_cast<unsigned>(value)) & 0xFFFFFF;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes += static_cast<char>(held >> bits & 0xFF);
    }
    return bytes;
}

std::string from_q(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '=' && i + 2 < text.size() && hex(text[i + 1]) >= 0 &&
            hex(text[i + 2]) >= 0) {
            bytes += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else {
            bytes += text[i] == '_' ? ' ' : text[i];
        }
    }
    return bytes;
}

std::string from_latin1(std::string_view bytes) {
    std::string text;
    for (char c : bytes) {
        auto code = static_cast<unsigned char>(c);
        if (code < 0x80) {
            text += c;
        } else {
            text += static_cast<char>(0xC0 | code >> 6);
            text += static_cast<char>(0x80 | (code & 0x3F));
        }
    }
    return text;
}

struct Word {
    std::string bytes; ///< not a letter each: one may be cut by the word's end
    std::size_t size = 0;
};

/// "=?utf-8?B?…?=" at the beginning of `text`.
std::optional<Word> word_at(std::string_view text) {
    if (!text.starts_with("=?")) return std::nullopt;
    auto charset_end = text.find('?', 2);
    if (charset_end == std::string_view::npos || charset_end + 2 >= text.size() ||
        text[charset_end + 2] != '?')
        return std::nullopt;
    auto charset = text.substr(2, charset_end - 2);
    charset = charset.substr(0, charset.find('*')); // a language, RFC 2231
    char encoding = lower(text[charset_end + 1]);
    auto start = charset_end + 3;
    auto end = text.find("?=", start);
    if (end == std::string_view::npos) return std::nullopt;
    auto body = text.substr(start, end - start);
    if ((encoding != 'b' && encoding != 'q') || std::ranges::any_of(body, is_space))
        return std::nullopt;
    Word word;
    word.size = end + 2;
    auto bytes = encoding == 'b' ? from_base64(body) : from_q(body);
    if (same_word(charset, "utf-8") || same_word(charset, "us-ascii"))
        word.bytes = std::move(bytes);
    else if (same_word(charset, "iso-8859-1"))
        word.bytes = from_latin1(bytes);
    else
        return std::nullopt;
    return word;
}

/// The field that begins `text`, with the lines that go on with it; it is taken off.
std::string_view take_field(std::string_view& text) {
    std::size_t end = 0;
    for (;;) {
        auto line_end = text.find('\n', end);
        if (line_end == std::string_view::npos) {
            end = text.size();
            break;
        }
        end = line_end + 1;
        if (end >= text.size() || (text[end] != ' ' && text[end] != '\t')) break;
    }
    auto field = text.substr(0, end);
    text.remove_prefix(end);
    return field;
}

} // namespace

std::string plain(std::string_view text, std::size_t most) {
    std::string clean;
    bool space = false;
    for (char c : utf8::repaired(text.substr(0, longest_field))) {
        if (is_space(c) || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            space = true;
            continue;
        }
        if (space && !clean.empty()) clean += ' ';
        space = false;
        clean += c;
    }
    return std::string(utf8::cut(clean, most));
}

std::string decode_words(std::string_view text) {
    std::string result;
    std::string_view between; // white space after a word goes when another word follows
    bool after_word = false;
    while (!text.empty()) {
        if (auto word = word_at(text)) {
            if (!after_word) result += between;
            between = {};
            result += word->bytes;
            text.remove_prefix(word->size);
            after_word = true;
            continue;
        }
        std::size_t spaces = 0;
        while (spaces < text.size() && is_space(text[spaces])) ++spaces;
        if (spaces > 0) {
            result += between;
            between = text.substr(0, spaces);
            text.remove_prefix(spaces);
            continue;
        }
        result += between;
        between = {};
        after_word = false;
        result += text.front();
        text.remove_prefix(1);
    }
    return result;
}

void read_header(std::string_view message, proto::MailSummary& into) {
    message = message.substr(0, header_bytes);
    while (!message.empty() && message.front() != '\n' && !message.starts_with("\r\n")) {
        auto field = take_field(message);
        auto colon = field.find(':');
        if (colon == std::string_view::npos) continue;
        auto name = field.substr(0, colon);
        while (!name.empty() && is_space(name.back())) name.remove_suffix(1);
        auto* text = same_word(name, "from")      ? &into.from
                     : same_word(name, "to")      ? &into.to
                     : same_word(name, "subject") ? &into.subject
                                                  : nullptr;
        // The first one counts, as in most readers.
        if (!text || !text->empty()) continue;
        *text = plain(decode_words(field.substr(colon + 1).substr(0, longest_field)));
    }
}

} // namespace fairlead::mail
