#include "common/runtime/log.hpp"

#include "common/runtime/clock.hpp"

#include <fmt/core.h>

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace fairlead::log {
namespace {

constexpr std::size_t longest_line = 8192;

std::atomic<Format> chosen_format{Format::text};
std::atomic<Level> least_level{Level::info};

std::string_view name_of(Level level) {
    switch (level) {
    case Level::debug:
        return "debug";
    case Level::info:
        return "info";
    case Level::warning:
        return "warning";
    case Level::error:
        return "error";
    }
    return "error";
}

/// Whether standard error is the journal, as systemd says: then a mark before the line is its
/// priority, and is taken off there.
bool is_journal() {
    const char* told = std::getenv("JOURNAL_STREAM");
    struct stat to {};
    return told && ::fstat(STDERR_FILENO, &to) == 0 &&
           fmt::format("{}:{}", to.st_dev, to.st_ino) == told;
}

std::string_view mark_of(Level level) {
    static const bool marked = is_journal();
    if (!marked) return "";
    return level == Level::error     ? "<3>"
           : level == Level::warning ? "<4>"
           : level == Level::info    ? "<6>"
                                     : "<7>";
}

/// JSON's escapes, which serve the quoted values of the text format as well.
void append_quoted(std::string& line, std::string_view text) {
    line += '"';
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else if (c == '\n') {
            line += "\\n";
        } else if (byte < 0x20 || byte == 0x7f) {
            line += fmt::format("\\u{:04x}", byte);
        } else {
            line += c;
        }
    }
    line += '"';
}

bool is_plain(std::string_view text) {
    if (text.empty()) return false;
    for (char c : text)
        if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '\\' || c == '=' || c == 0x7f)
            return false;
    return true;
}

std::string as_text(Level level, std::string_view message, std::initializer_list<Field> fields) {
    // Under systemd the journal adds the time.
    std::string line(mark_of(level));
    line.reserve(512);
    if (level != Level::info) {
        line += name_of(level);
        line += ": ";
    }
    for (char c : message) line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    for (const auto& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        if (is_plain(field.value))
            line += field.value;
        else
            append_quoted(line, field.value);
    }
    return line;
}

std::string as_json(Level level, std::string_view message, std::initializer_list<Field> fields) {
    std::string line(mark_of(level));
    line.reserve(512);
    line += fmt::format(
        R"({{"time":"{}","level":"{}","message":)", to_rfc3339(SystemClock().now()), name_of(level)
    );
    append_quoted(line, message);
    for (const auto& field : fields) {
        line += ',';
        append_quoted(line, field.key);
        line += ':';
        append_quoted(line, field.value);
    }
    line += '}';
    return line;
}

} // namespace

void configure(Format format, Level least) {
    chosen_format = format;
    least_level = least;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
    if (level < least_level.load(std::memory_order_relaxed)) return;
    auto line = chosen_format == Format::json ? as_json(level, message, fields)
                                              : as_text(level, message, fields);
    if (line.size() > longest_line) line.resize(longest_line);
    line += '\n';
    [[maybe_unused]] auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace fairlead::log
