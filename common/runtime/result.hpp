/// How functions tell what went wrong: Result<T> for what the caller should handle.
#pragma once

#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead {

/// One thing wrong with one member of an input; `field` is a path such as "addons[0].url".
struct FieldError {
    std::string field;
    std::string message;
};

/// Kinds of failure, few and shared. The API's finer codes travel in Error::code().
enum class Errc {
    invalid,         ///< the input is wrong and will stay wrong
    unauthenticated, ///< nobody is signed in, or the proof is bad
    forbidden,       ///< known, but not allowed
    not_found,       ///< absent, or of another organization
    conflict,        ///< contradicts what is there
    rate_limited,    ///< too often
    unavailable,     ///< try later
    timeout,         ///< took too long
    internal,        ///< our surroundings are broken
};

/// What went wrong. `message` may reach a person and says what to do; `detail` goes to the log
/// only; `code` is the stable word that programs read ("operation_in_progress"), empty for the
/// kind's own.
class Error {
public:
    Error(Errc kind, std::string message, std::string detail = {})
        : kind_(kind), message_(std::move(message)), detail_(std::move(detail)) {}

    Error with_code(std::string code) && {
        code_ = std::move(code);
        return std::move(*this);
    }

    Error with_fields(std::vector<FieldError> fields) && {
        fields_ = std::move(fields);
        return std::move(*this);
    }

    /// Something a program may want beside the code: "operation_id", "permission", "retry_after_s".
    Error with_fact(std::string name, std::string value) && {
        facts_.emplace_back(std::move(name), std::move(value));
        return std::move(*this);
    }

    Errc kind() const { return kind_; }
    const std::string& message() const { return message_; }
    const std::string& detail() const { return detail_; }
    const std::string& code() const { return code_; }
    const std::vector<FieldError>& fields() const { return fields_; }
    const std::vector<std::pair<std::string, std::string>>& facts() const { return facts_; }

private:
    Errc kind_;
    std::string message_;
    std::string detail_;
    std::string code_;
    std::vector<FieldError> fields_;
    std::vector<std::pair<std::string, std::string>> facts_;
};

/// tl::expected behind our own name, so that nobody drops one by accident.
template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
    using Base = tl::expected<T, Error>;

public:
    using Base::Base;
    Result(Base base) : Base(std::move(base)) {}
};

inline tl::unexpected<Error> fail(Errc kind, std::string message, std::string detail = {}) {
    return tl::unexpected<Error>(Error(kind, std::move(message), std::move(detail)));
}

inline tl::unexpected<Error> fail(Error error) {
    return tl::unexpected<Error>(std::move(error));
}

std::string_view name_of(Errc kind);

} // namespace fairlead

/// FAIRLEAD_TRY(name, expression): names the value, or returns the expression's error from this
/// function.
#define FAIRLEAD_TRY(name, ...)                                                                    \
    auto name##_or = (__VA_ARGS__);                                                                \
    if (!name##_or) return tl::unexpected(std::move(name##_or).error());                           \
    [[maybe_unused]] auto& name = *name##_or

/// The same for a Result<>: only the failure matters.
#define FAIRLEAD_CHECK(...)                                                                        \
    do {                                                                                           \
        auto fairlead_checked = (__VA_ARGS__);                                                     \
        if (!fairlead_checked) return tl::unexpected(std::move(fairlead_checked).error());         \
    } while (false)

/// The same two inside coroutines. Build arguments on their own line first: GCC 12 destroys an
/// aggregate twice when it is built beside a co_await.
#define FAIRLEAD_CO_TRY(name, ...)                                                                 \
    auto name##_or = (__VA_ARGS__);                                                                \
    if (!name##_or) co_return tl::unexpected(std::move(name##_or).error());                        \
    [[maybe_unused]] auto& name = *name##_or

#define FAIRLEAD_CO_CHECK(...)                                                                     \
    do {                                                                                           \
        auto fairlead_checked = (__VA_ARGS__);                                                     \
        if (!fairlead_checked) co_return tl::unexpected(std::move(fairlead_checked).error());      \
    } while (false)
