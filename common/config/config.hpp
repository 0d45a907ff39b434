/// YAML files into described structs: unknown keys and wrong values are refused by name, with the
/// line.
///
///     struct Listener { std::string address = "0.0.0.0:8443"; std::chrono::seconds idle{60}; };
///     BOOST_DESCRIBE_STRUCT(Listener, (), (address, idle))
///     FAIRLEAD_TRY(settings, config::load<Listener>("controller.yaml"));
///
/// What the file leaves out keeps the struct's default. Members may be text, bool, numbers,
/// described enums, durations
/// ("250ms", "30s", "5m", "2h", "7d"), optionals, vectors, maps with text keys, and described
/// structs. A member of type `config::Line` is no key: it is filled with the line where its struct
/// begins.
#pragma once

#include "common/config/node.hpp"
#include "common/runtime/described.hpp"
#include "common/runtime/result.hpp"

#include <boost/describe/enum_from_string.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>

#include <chrono>
#include <concepts>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fairlead::config {

/// Where in its file something was said; 0 when nowhere.
struct Line {
    int number = 0;
    bool operator==(const Line&) const = default;
};

/// How one scalar becomes a T: `static std::optional<T> read(std::string_view)` and
/// `static std::string wanted()`, which completes "must be …". Specialise it for types of your own.
template <class T>
struct Scalar;

/// Collects what is wrong; all of it is told at once (at most 20 findings).
class Reader {
public:
    explicit Reader(std::string where) : where_(std::move(where)) {}

    template <class T>
    void read(const Node& node, std::string_view key, T& into);

    void wrong(int line, std::string message);
    /// Errc::invalid with one finding a line: "controller.yaml line 3: lisen is not known here;
    /// known are address, idle".
    Result<> result() const;

private:
    template <class T>
    void read_struct(const Node& node, std::string_view key, T& into);

    std::string where_;
    std::vector<std::string> findings_;
};

/// `where` stands in front of every finding. Errc::invalid.
template <class T>
Result<T> read(std::string_view yaml, std::string where) {
    FAIRLEAD_TRY(node, parse(yaml, where));
    Reader reader(std::move(where));
    T into{};
    // An empty file says nothing, so all defaults hold.
    if (node.kind != Node::Kind::null) reader.read(node, "", into);
    FAIRLEAD_CHECK(reader.result());
    return into;
}

/// At most 1 MiB. Errc::not_found, Errc::forbidden, Errc::invalid.
template <class T>
Result<T> load(const std::filesystem::path& file) {
    FAIRLEAD_TRY(text, read_whole(file));
    return read<T>(text, file.string());
}

// ---- implementation
// -------------------------------------------------------------------------------------

namespace detail {

template <class T, class D>
using MemberType = std::remove_cvref_t<decltype(std::declval<T&>().*std::declval<D>().pointer)>;

std::optional<std::int64_t> whole_number(std::string_view text);
std::optional<double> number(std::string_view text);
std::optional<std::chrono::milliseconds> duration(std::string_view text);

} // namespace detail

template <>
struct Scalar<std::string> {
    static std::optional<std::string> read(std::string_view text) { return std::string(text); }
    static std::string wanted() { return "text"; }
};

template <>
struct Scalar<bool> {
    static std::optional<bool> read(std::string_view text) {
        if (text == "true") return true;
        if (text == "false") return false;
        return std::nullopt;
    }
    static std::string wanted() { return "true or false"; }
};

template <std::integral N>
struct Scalar<N> {
    static std::optional<N> read(std::string_view text) {
        auto value = detail::whole_number(text);
        if (!value || !std::in_range<N>(*value)) return std::nullopt;
        return static_cast<N>(*value);
    }
    static std::string wanted() {
        return "a whole number from " + std::to_string(std::numeric_limits<N>::min()) + " to " +
               std::to_string(std::numeric_limits<N>::max());
    }
};

template <std::floating_point N>
struct Scalar<N> {
    static std::optional<N> read(std::string_view text) {
        auto value = detail::number(text);
        if (!value) return std::nullopt;
        return static_cast<N>(*value);
    }
    static std::string wanted() { return "a number"; }
};

template <class Rep, class Period>
struct Scalar<std::chrono::duration<Rep, Period>> {
    using Duration = std::chrono::duration<Rep, Period>;
    static std::optional<Duration> read(std::string_view text) {
        auto value = detail::duration(text);
        if (!value) return std::nullopt;
        auto rounded = std::chrono::duration_cast<Duration>(*value);
        if (rounded != *value) return std::nullopt;
        return rounded;
    }
    static std::string wanted() { return "a duration such as 30s, 5m, 2h or 7d"; }
};

template <class E>
requires std::is_enum_v<E>
struct Scalar<E> {
    static std::optional<E> read(std::string_view text) {
        E value{};
        if (!boost::describe::enum_from_string(std::string(text).c_str(), value))
            return std::nullopt;
        return value;
    }
    static std::string wanted() {
        std::string list;
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
            if (!list.empty()) list += ", ";
            list += d.name;
        });
        return "one of " + list;
    }
};

template <class T>
concept FromScalar = requires {
    Scalar<T>::wanted();
};

template <class T>
void Reader::read(const Node& node, std::string_view key, T& into) {
    auto name = key.empty() ? std::string("the file") : std::string(key);
    if constexpr (described::IsOptional<T>::value) {
        if (node.kind == Node::Kind::null)
            into.reset();
        else
            read(node, key, into.emplace());
    } else if (node.kind == Node::Kind::null) {
        wrong(node.line, name + " has no value");
    } else if constexpr (FromScalar<T>) {
        auto value = node.kind == Node::Kind::scalar ? Scalar<T>::read(node.text) : std::nullopt;
        if (value)
            into = std::move(*value);
        else
            wrong(node.line, name + " must be " + Scalar<T>::wanted() + node.shown());
    } else if constexpr (described::IsVector<T>::value) {
        if (node.kind != Node::Kind::list)
            return wrong(node.line, name + " must be a list" + node.shown());
        into.clear();
        for (const auto& item : node.items) read(item, key, into.emplace_back());
    } else if constexpr (described::IsMap<T>::value) {
        if (node.kind != Node::Kind::map)
            return wrong(node.line, name + " must be a map" + node.shown());
        into.clear();
        for (const auto& entry : node.entries) read(entry.value, entry.key, into[entry.key]);
    } else {
        read_struct(node, key, into);
    }
}

template <class T>
void Reader::read_struct(const Node& node, std::string_view key, T& into) {
    if (node.kind != Node::Kind::map)
        return wrong(
            node.line, (key.empty() ? std::string("the file") : std::string(key)) +
                           " must be a map of keys" + node.shown()
        );
    std::string known;
    boost::mp11::mp_for_each<described::Members<T>>([&](auto d) {
        if constexpr (std::is_same_v<detail::MemberType<T, decltype(d)>, Line>)
            (into.*d.pointer).number = node.line;
        else
            known += (known.empty() ? "" : ", ") + std::string(d.name);
    });
    for (const auto& entry : node.entries) {
        bool found = false;
        boost::mp11::mp_for_each<described::Members<T>>([&](auto d) {
            if constexpr (!std::is_same_v<detail::MemberType<T, decltype(d)>, Line>) {
                if (entry.key != d.name) return;
                found = true;
                read(entry.value, entry.key, into.*d.pointer);
            }
        });
        if (!found) wrong(entry.line, entry.key + " is not known here; known are " + known);
    }
}

} // namespace fairlead::config
