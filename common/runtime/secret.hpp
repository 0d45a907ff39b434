/// A value that must not be printed, logged or left in memory.
#pragma once

#include <string>
#include <string_view>

namespace fairlead {

/// Owns a secret string: no stream operator, no formatter, compared in constant time, zeroed when
/// it goes away. Copying is explicit (`clone`), so that every place that holds one can be counted.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();

    Secret clone() const { return Secret(value_); }
    bool empty() const { return value_.empty(); }
    bool equals(std::string_view other) const;

    /// The only way to the characters; search for "reveal" to see every use.
    std::string_view reveal() const { return value_; }

private:
    std::string value_;
};

/// Overwrites the characters in a way that the compiler keeps, and empties the string.
void wipe(std::string& value);

} // namespace fairlead
