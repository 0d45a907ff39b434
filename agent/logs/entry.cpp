#include "agent/logs/entry.hpp"

#include "agent/logs/plain_text.hpp"
#include "common/json/json.hpp"
#include "proto/log.hpp"

#include <fmt/core.h>

#include <charconv>
#include <ctime>

namespace fairlead::logs {
namespace {

constexpr std::size_t longest_line = 1 << 20;
constexpr std::size_t longest_name = 100;

/// A value is a text, the bytes of one that is not, or a list of those where an entry has several.
std::string bytes_of(const boost::json::value& value) {
    if (value.is_string()) return std::string(value.get_string());
    std::string bytes;
    if (!value.is_array()) return bytes;
    for (const auto& item : value.get_array()) {
        if (!item.is_int64()) return bytes.empty() ? bytes_of(item) : bytes;
        bytes += static_cast<char>(item.get_int64());
    }
    return bytes;
}

std::string member(const boost::json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value ? bytes_of(*value) : std::string();
}

std::int64_t
number(const boost::json::object& object, std::string_view name, std::int64_t otherwise) {
    auto text = member(object, name);
    std::int64_t value = 0;
    auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size() && value >= 0;
    return whole ? value : otherwise;
}

std::string time_text(std::int64_t at_us) {
    std::time_t seconds = at_us / 1'000'000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
        parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, at_us % 1'000'000
    );
}

} // namespace

std::string_view level_of(std::uint32_t priority) {
    return priority <= 3 ? "error" : priority == 4 ? "warning" : priority <= 6 ? "info" : "debug";
}

std::optional<Entry> read_entry(std::string_view line) {
    if (!line.starts_with('{')) return {};
    auto value = json::parse(line, longest_line);
    if (!value || !value->is_object()) return {};
    const auto& object = value->get_object();
    Entry entry;
    entry.at_us = number(object, "__REALTIME_TIMESTAMP", 0);
    entry.priority = static_cast<std::uint32_t>(number(object, "PRIORITY", 6));
    entry.pid = number(object, "_PID", 0);
    entry.cursor = member(object, "__CURSOR");
    if (!proto::is_log_cursor(entry.cursor)) entry.cursor.clear();
    // What systemd says of a unit stands under that unit.
    auto from = entry.pid == 1 ? member(object, "UNIT") : std::string();
    if (from.empty()) from = member(object, "_SYSTEMD_UNIT");
    if (from.empty()) from = member(object, "SYSLOG_IDENTIFIER");
    bool ignored = false;
    entry.from = plain_text(from, longest_name, ignored);
    auto text = member(object, "MESSAGE");
    while (text.ends_with('\n')) text.pop_back();
    entry.text = plain_text(text, proto::longest_log_text, entry.cut);
    return entry;
}

std::string write_entry(const Entry& entry, bool as_text) {
    auto at = time_text(entry.at_us);
    if (!as_text) {
        boost::json::object object{
            {"at", at},
            {"level", level_of(entry.priority)},
            {"from", entry.from},
            {"text", entry.text},
            {"cursor", entry.cursor}};
        if (entry.pid > 0) object["pid"] = entry.pid;
        if (entry.cut) object["cut"] = true;
        return json::serialize(object) + "\n";
    }
    auto line = fmt::format("{} {}[{}] {}: ", at, entry.from, entry.pid, level_of(entry.priority));
    // Lines of one entry stay recognizable as that.
    for (char c : entry.text) {
        line += c;
        if (c == '\n') line += '\t';
    }
    return line + (entry.cut ? " …\n" : "\n");
}

std::string write_end(std::string_view word, std::string_view message, bool as_text) {
    if (!as_text) {
        boost::json::object object{{"end", word}};
        if (!message.empty()) object["message"] = message;
        return json::serialize(object) + "\n";
    }
    if (word == "done") return {};
    return fmt::format("-- This is not all ({}). {}\n", word, message);
}

} // namespace fairlead::logs
