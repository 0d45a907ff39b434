/// Structured log lines on standard error: text for people, JSON for machines. The one process-wide
/// object we allow ourselves, because a log that must be threaded through every call is a log that
/// nobody writes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace fairlead::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

/// One key=value pair. Never hand a Secret in; its type does not convert.
struct Field {
    Field(std::string_view key_name, std::string_view text) : key(key_name), value(text) {}
    Field(std::string_view key_name, const char* text) : key(key_name), value(text) {}
    Field(std::string_view key_name, const std::string& text) : key(key_name), value(text) {}
    template <class N>
    requires(std::is_integral_v<N>) Field(std::string_view key_name, N number)
        : key(key_name), value(std::to_string(number)) {}

    std::string_view key;
    std::string value;
};

/// Call once at start, before threads. Default: text, info.
void configure(Format format, Level least);

/// Thread-safe; one write(2) a line. Control characters in values are escaped; lines end at 8 KiB.
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::info, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::warning, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::error, message, fields);
}

} // namespace fairlead::log
