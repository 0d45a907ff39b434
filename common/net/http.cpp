#include "common/net/http.hpp"

namespace fairlead::net {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

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
