#include "agent/bucket/http_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace fairlead::bucket {
namespace {

std::string_view trim(std::string_view text) {
    auto from = text.find_first_not_of(" \t\r");
    if (from == text.npos) return {};
    return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

template <class N>
std::optional<N> number(std::string_view text) {
    N value{};
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

} // namespace

std::string_view Head::at(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

std::optional<std::uint64_t> Head::length() const {
    return number<std::uint64_t>(at("content-length"));
}

bool Head::chunked() const {
    return lower(at("transfer-encoding")).ends_with("chunked");
}

bool Head::closes() const {
    return lower(at("connection")).find("close") != std::string::npos;
}

Result<Head> parse_head(std::string_view text) {
    auto wrong = [] {
        return fail(Errc::invalid, "The other side does not answer as an HTTP server.");
    };
    auto line_of = [&] {
        auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
    };
    Head head;
    auto first = line_of();
    // "HTTP/1.1 200 OK"
    if (!first.starts_with("HTTP/1.") || first.size() < 12 || first[8] != ' ') return wrong();
    auto status = number<int>(first.substr(9, 3));
    if (!status || *status < 100) return wrong();
    head.status = *status;
    for (auto line = line_of(); !line.empty(); line = line_of()) {
        auto colon = line.find(':');
        if (colon == line.npos || colon == 0) return wrong();
        head.headers.emplace_back(lower(line.substr(0, colon)), trim(line.substr(colon + 1)));
    }
    auto length = head.at("content-length");
    for (const auto& [name, value] : head.headers)
        if (name == "content-length" && (value != length || !head.length())) return wrong();
    return head;
}

std::string_view plain_etag(std::string_view etag) {
    if (etag.starts_with("W/")) etag.remove_prefix(2);
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
        etag = etag.substr(1, etag.size() - 2);
    return etag;
}

std::optional<Timestamp> parse_http_date(std::string_view text) {
    static constexpr std::array<std::string_view, 12> months{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 29 || !text.ends_with(" GMT") || text.substr(3, 2) != ", ")
        return std::nullopt;
    auto day = number<int>(text.substr(5, 2)), year = number<int>(text.substr(12, 4));
    auto hour = number<int>(text.substr(17, 2)), minute = number<int>(text.substr(20, 2));
    auto second = number<int>(text.substr(23, 2));
    const auto* month = std::ranges::find(months, text.substr(8, 3));
    if (!day || !year || !hour || !minute || !second || month == months.end()) return std::nullopt;
    std::tm utc{};
    utc.tm_mday = *day;
    utc.tm_mon = static_cast<int>(month - months.begin());
    utc.tm_year = *year - 1900;
    utc.tm_hour = *hour;
    utc.tm_min = *minute;
    utc.tm_sec = *second;
    return from_ms(static_cast<std::int64_t>(timegm(&utc)) * 1000);
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, Timestamp now) {
    if (auto seconds = number<std::uint32_t>(text)) return std::chrono::seconds(*seconds);
    auto at = parse_http_date(text);
    if (!at) return std::nullopt;
    return std::max(
        std::chrono::duration_cast<std::chrono::seconds>(*at - now), std::chrono::seconds(0)
    );
}

} // namespace fairlead::bucket
