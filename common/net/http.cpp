#include "common/net/http.hpp"

#include <algorithm>

namespace fairlead::net {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

} // namespace

bool same_word(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        return lower(a) == lower(b);
    });
}

bool has_word(const Headers& headers, std::string_view name, std::string_view word) {
    for (std::size_t i = 0; i < headers.size(); ++i) {
        if (headers.name(i) != name) continue;
        auto list = headers.value(i);
        while (!list.empty()) {
            auto comma = std::min(list.find(','), list.size());
            if (same_word(trimmed(list.substr(0, comma)), word)) return true;
            list.remove_prefix(std::min(comma + 1, list.size()));
        }
    }
    return false;
}

const char* suspicious_in(std::string_view head) {
    for (std::size_t i = 0; i < head.size(); ++i) {
        auto c = static_cast<unsigned char>(head[i]);
        if (c >= 0x20 && c != 0x7f) continue;
        if (c == '\t') continue;
        if (c == '\r' && i + 1 < head.size() && head[i + 1] == '\n') {
            ++i;
            if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t'))
                return "A header line is folded.";
            continue;
        }
        if (c == '\n' || c == '\r') return "A line does not end with CR and LF.";
        return "The header has a control character.";
    }
    return nullptr;
}

Headers::Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
    for (const auto& [name, value] : fields) add(name, value);
}

void Headers::add(std::string_view name, std::string_view value) {
    if (fields_.empty()) {
        fields_.reserve(12);
        text_.reserve(512);
    }
    Field field{};
    field.name = static_cast<std::uint32_t>(text_.size());
    field.name_size = static_cast<std::uint32_t>(name.size());
    for (char c : name) text_ += lower(c);
    field.value = static_cast<std::uint32_t>(text_.size());
    field.value_size = static_cast<std::uint32_t>(value.size());
    text_ += value;
    fields_.push_back(field);
}

void Headers::set(std::string_view name, std::string_view value) {
    std::string wanted(name);
    for (auto& c : wanted) c = lower(c);
    std::erase_if(fields_, [&](const Field& f) {
        return text_.compare(f.name, f.name_size, wanted) == 0;
    });
    add(wanted, value);
}

std::optional<std::string_view> Headers::get(std::string_view wanted) const {
    for (std::size_t i = 0; i < fields_.size(); ++i)
        if (name(i) == wanted) return value(i);
    return std::nullopt;
}

std::size_t Headers::count(std::string_view wanted) const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < fields_.size(); ++i) found += name(i) == wanted;
    return found;
}

std::string_view Headers::name(std::size_t index) const {
    return std::string_view(text_).substr(fields_[index].name, fields_[index].name_size);
}

std::string_view Headers::value(std::size_t index) const {
    return std::string_view(text_).substr(fields_[index].value, fields_[index].value_size);
}

void Headers::clear() {
    text_.clear();
    fields_.clear();
}

std::string_view reason_phrase(int status) {
    switch (status) {
    case 100:
        return "Continue";
    case 101:
        return "Switching Protocols";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 307:
        return "Temporary Redirect";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 411:
        return "Length Required";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 416:
        return "Range Not Satisfiable";
    case 417:
        return "Expectation Failed";
    case 421:
        return "Misdirected Request";
    case 422:
        return "Unprocessable Content";
    case 426:
        return "Upgrade Required";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "";
    }
}

} // namespace fairlead::net
