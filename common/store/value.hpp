/// How C++ values live in SQL columns. Specialise `Column<T>` for your own types; ids, times,
/// described enums, optionals, numbers, text and blobs are here.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"

#include <boost/describe/enum_from_string.hpp>
#include <boost/describe/enum_to_string.hpp>
#include <boost/describe/enumerators.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

struct sqlite3_stmt;

namespace fairlead::store {

/// Bytes that are not text.
struct Blob {
    std::string bytes;
    bool operator==(const Blob&) const = default;
};

/// The current row of a running statement. Valid only inside the function or constructor it is
/// handed to. Reading a NULL or another type than the one asked for is our own mistake:
/// std::logic_error, with the column.
class Row {
public:
    int columns() const;
    std::string_view name(int column) const;
    bool is_null(int column) const;
    std::int64_t integer(int column) const;
    double real(int column) const;
    std::string text(int column) const;
    std::string blob(int column) const;

    template <class T>
    T get(int column) const;

    /// A value that does not fit the type that was asked for: throws std::logic_error.
    [[noreturn]] void unfit(int column, std::string_view wanted) const;

private:
    friend class Statement;
    explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
    void expect(int column, int type, std::string_view wanted) const;
    sqlite3_stmt* statement_;
};

/// Takes the value of one parameter. Text and bytes are not copied; they outlive the call.
class Parameter {
public:
    void null();
    void integer(std::int64_t value);
    void real(double value);
    void text(std::string_view value);
    void blob(std::string_view value);

private:
    friend class Statement;
    Parameter(sqlite3_stmt* statement, int index) : statement_(statement), index_(index) {}
    void check(int code) const;
    sqlite3_stmt* statement_;
    int index_;
};

/// `static void write(Parameter, const T&)` and `static T read(const Row&, int column)`.
template <class T>
struct Column;

template <class T>
concept Storable = requires(const Row& row) {
    Column<T>::read(row, 0);
};

template <class T>
T Row::get(int column) const {
    return Column<T>::read(*this, column);
}

template <>
struct Column<bool> {
    static void write(Parameter to, bool value) { to.integer(value ? 1 : 0); }
    static bool read(const Row& row, int column) { return row.integer(column) != 0; }
};

template <std::integral N>
struct Column<N> {
    static void write(Parameter to, N value) {
        if constexpr (sizeof(N) == 8 && std::is_unsigned_v<N>) {
            if (value > static_cast<N>(std::numeric_limits<std::int64_t>::max()))
                throw std::out_of_range("a number above 2^63-1 cannot be stored");
        }
        to.integer(static_cast<std::int64_t>(value));
    }
    static N read(const Row& row, int column) {
        auto value = row.integer(column);
        if (!std::in_range<N>(value)) row.unfit(column, "a smaller number");
        return static_cast<N>(value);
    }
};

template <std::floating_point N>
struct Column<N> {
    static void write(Parameter to, N value) { to.real(value); }
    static N read(const Row& row, int column) { return static_cast<N>(row.real(column)); }
};

template <>
struct Column<std::string> {
    static void write(Parameter to, const std::string& value) { to.text(value); }
    static std::string read(const Row& row, int column) { return row.text(column); }
};

template <>
struct Column<std::string_view> {
    static void write(Parameter to, std::string_view value) { to.text(value); }
};

template <>
struct Column<const char*> {
    static void write(Parameter to, const char* value) { to.text(value); }
};

template <>
struct Column<Blob> {
    static void write(Parameter to, const Blob& value) { to.blob(value.bytes); }
    static Blob read(const Row& row, int column) { return {row.blob(column)}; }
};

template <>
struct Column<Timestamp> {
    static void write(Parameter to, Timestamp value) { to.integer(to_ms(value)); }
    static Timestamp read(const Row& row, int column) { return from_ms(row.integer(column)); }
};

template <class Kind>
struct Column<Id<Kind>> {
    static void write(Parameter to, const Id<Kind>& value) { to.text(value.str()); }
    static Id<Kind> read(const Row& row, int column) { return Id<Kind>::trusted(row.text(column)); }
};

template <class T>
struct Column<std::optional<T>> {
    static void write(Parameter to, const std::optional<T>& value) {
        if (value)
            Column<T>::write(to, *value);
        else
            to.null();
    }
    static std::optional<T> read(const Row& row, int column) {
        if (row.is_null(column)) return std::nullopt;
        return Column<T>::read(row, column);
    }
};

template <>
struct Column<std::nullopt_t> {
    static void write(Parameter to, std::nullopt_t) { to.null(); }
};

/// Described enums are stored by name.
template <class E>
requires std::is_enum_v<E>
struct Column<E> {
    static void write(Parameter to, E value) {
        to.text(boost::describe::enum_to_string(value, ""));
    }
    static E read(const Row& row, int column) {
        E value{};
        if (!boost::describe::enum_from_string(row.text(column).c_str(), value))
            row.unfit(column, "a known name");
        return value;
    }
};

} // namespace fairlead::store
