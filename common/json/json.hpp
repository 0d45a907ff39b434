/// JSON to and from described structs (Boost.Describe). A struct is its own schema:
///
///     struct RenameServer { std::string name; std::optional<std::string> note; };
///     BOOST_DESCRIBE_STRUCT(RenameServer, (), (name, note))
///
/// Members without std::optional are required under `Strictness::exact` and keep their defaults
/// under `Strictness::lenient`. Enums travel as their enumerators' names. Costs about 3 s of
/// compile time per file: include it from .cpp files.
#pragma once

#include "common/runtime/described.hpp"
#include "common/runtime/result.hpp"

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace fairlead::json {

/// How to read what other people wrote. The API is exact: unknown and missing members are errors,
/// by name. The link is lenient: that is how versions differ.
enum class Strictness { exact, lenient };

/// Parses at most `limit` bytes and 32 levels. Errc::invalid says where it stopped making sense.
/// The value lives in `storage`, the heap unless told.
Result<boost::json::value>
parse(std::string_view text, std::size_t limit = 1 << 20, boost::json::storage_ptr storage = {});

/// A text that is read once and then let go: a small one needs no heap.
class Document {
public:
    explicit Document(std::string_view text, std::size_t limit = 1 << 20);
    Document(const Document&) = delete;
    ~Document();

    /// As of `parse`; copy what shall live longer.
    const Result<boost::json::value>& value() const { return value_; }

private:
    unsigned char space_[4096];
    boost::json::monotonic_resource memory_{space_};
    Result<boost::json::value> value_;
};

/// What `parse` takes: bytes of a string that are no UTF-8 become U+FFFD.
std::string serialize(const boost::json::value& value);

template <class T>
boost::json::value to_value(const T& from);

/// Collects what is wrong while reading; every error of the document is reported, not only the
/// first (at most 20).
class Reader {
public:
    explicit Reader(Strictness strictness) : strictness_(strictness) {}

    template <class T>
    void read(const boost::json::value& from, T& into);

    void wrong(std::string message) {
        if (errors_.size() < 20)
            errors_.push_back({path_.empty() ? "(document)" : path_, std::move(message)});
    }
    const std::vector<FieldError>& errors() const { return errors_; }

private:
    template <class T>
    void read_struct(const boost::json::value& from, T& into);
    template <class T>
    void read_member(const boost::json::object& object, const char* name, T& into);
    template <class N>
    void read_number(const boost::json::value& from, N& into);

    /// Extends the path for one scope.
    class Inside {
    public:
        Inside(Reader& reader, std::string_view part)
            : reader_(reader), length_(reader.path_.size()) {
            if (length_ > 0 && !part.starts_with('[')) reader.path_ += '.';
            reader.path_ += part;
        }
        ~Inside() { reader_.path_.resize(length_); }

    private:
        Reader& reader_;
        std::size_t length_;
    };

    Strictness strictness_;
    std::string path_;
    std::vector<FieldError> errors_;
};

/// One sentence from many errors: "name: is required; port: must be a whole number".
std::string describe(const std::vector<FieldError>& errors);

template <class T>
Result<T> from_value(const boost::json::value& value, Strictness strictness) {
    Reader reader(strictness);
    T result{};
    reader.read(value, result);
    if (!reader.errors().empty())
        return fail(Error(Errc::invalid, describe(reader.errors())).with_fields(reader.errors()));
    return result;
}

template <class T>
std::string encode(const T& from) {
    return json::serialize(to_value(from));
}

template <class T>
Result<T> decode(std::string_view text, Strictness strictness, std::size_t limit = 1 << 20) {
    Document document(text, limit);
    if (!document.value()) return tl::unexpected(document.value().error());
    return from_value<T>(*document.value(), strictness);
}

// ---- implementation
// -------------------------------------------------------------------------------------

/// The enumerator's name, "" for a value outside the enum.
template <class E>
std::string_view enum_name(E value) {
    return boost::describe::enum_to_string(value, "");
}

template <class E>
std::optional<E> enum_from(std::string_view name) {
    E value{};
    if (!boost::describe::enum_from_string(std::string(name).c_str(), value)) return std::nullopt;
    return value;
}

template <class T>
boost::json::value to_value(const T& from) {
    if constexpr (std::is_same_v<T, boost::json::value> || std::is_same_v<T, bool> || std::is_arithmetic_v<T>) {
        return boost::json::value(from);
    } else if constexpr (std::is_same_v<T, boost::json::object> || std::is_same_v<T, boost::json::array>) {
        return from;
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        return boost::json::value(std::string_view(from));
    } else if constexpr (std::is_enum_v<T>) {
        return boost::json::value(enum_name(from));
    } else if constexpr (described::IsOptional<T>::value) {
        return from ? to_value(*from) : boost::json::value(nullptr);
    } else if constexpr (described::IsVector<T>::value) {
        boost::json::array array;
        array.reserve(from.size());
        for (const auto& item : from) array.push_back(to_value(item));
        return array;
    } else if constexpr (described::IsMap<T>::value) {
        boost::json::object object;
        for (const auto& [key, item] : from) object.emplace(key, to_value(item));
        return object;
    } else {
        boost::json::object object;
        boost::mp11::mp_for_each<described::Members<T>>([&](auto d) {
            object.emplace(d.name, to_value(from.*d.pointer));
        });
        return object;
    }
}

template <class T>
void Reader::read(const boost::json::value& from, T& into) {
    if constexpr (std::is_same_v<T, boost::json::value>) {
        into = from;
    } else if constexpr (std::is_same_v<T, boost::json::object>) {
        if (from.is_object())
            into = from.get_object();
        else
            wrong("must be an object");
    } else if constexpr (std::is_same_v<T, bool>) {
        if (from.is_bool())
            into = from.get_bool();
        else
            wrong("must be true or false");
    } else if constexpr (std::is_arithmetic_v<T>) {
        read_number(from, into);
    } else if constexpr (std::is_same_v<T, std::string>) {
        if (from.is_string())
            into = std::string(from.get_string());
        else
            wrong("must be a string");
    } else if constexpr (std::is_enum_v<T>) {
        auto found = from.is_string() ? enum_from<T>(from.get_string()) : std::nullopt;
        if (found)
            into = *found;
        else if (strictness_ == Strictness::exact || !from.is_string())
            wrong("must be one of " + described::choices<T>());
    } else if constexpr (described::IsOptional<T>::value) {
        if (from.is_null()) {
            into.reset();
        } else {
            into.emplace();
            read(from, *into);
        }
    } else if constexpr (described::IsVector<T>::value) {
        if (!from.is_array()) return wrong("must be a list");
        into.clear();
        for (std::size_t i = 0; i < from.get_array().size(); ++i) {
            Inside inside(*this, "[" + std::to_string(i) + "]");
            read(from.get_array()[i], into.emplace_back());
        }
    } else if constexpr (described::IsMap<T>::value) {
        if (!from.is_object()) return wrong("must be an object");
        into.clear();
        for (const auto& [key, item] : from.get_object()) {
            Inside inside(*this, key);
            read(item, into[std::string(key)]);
        }
    } else {
        read_struct(from, into);
    }
}

template <class T>
void Reader::read_struct(const boost::json::value& from, T& into) {
    if (!from.is_object()) return wrong("must be an object");
    const auto& object = from.get_object();
    boost::mp11::mp_for_each<described::Members<T>>([&](auto d) {
        read_member(object, d.name, into.*d.pointer);
    });
    if (strictness_ == Strictness::lenient) return;
    for (const auto& member : object) {
        auto key = member.key();
        bool known = false;
        boost::mp11::mp_for_each<described::Members<T>>([&](auto d) {
            known = known || key == d.name;
        });
        if (known) continue;
        Inside inside(*this, key);
        wrong("is not known here");
    }
}

template <class T>
void Reader::read_member(const boost::json::object& object, const char* name, T& into) {
    Inside inside(*this, name);
    auto found = object.find(name);
    if (found != object.end())
        read(found->value(), into);
    else if (strictness_ == Strictness::exact && !described::IsOptional<T>::value)
        wrong("is required");
}

template <class N>
void Reader::read_number(const boost::json::value& from, N& into) {
    if constexpr (std::is_floating_point_v<N>) {
        if (!from.is_number()) return wrong("must be a number");
        into = from.to_number<N>();
    } else {
        boost::json::error_code failed;
        auto number = from.is_number() ? from.to_number<N>(failed) : N{};
        if (!from.is_number() || failed)
            return wrong(
                "must be a whole number from " + std::to_string(std::numeric_limits<N>::min()) +
                " to " + std::to_string(std::numeric_limits<N>::max())
            );
        into = number;
    }
}

} // namespace fairlead::json
