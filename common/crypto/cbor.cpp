#include "common/crypto/cbor.hpp"

#include <limits>
#include <string>

namespace fairlead::crypto {
namespace {

constexpr int deepest = 8;
constexpr std::uint64_t most_entries = 64; // each new key is compared with all before it

tl::unexpected<Error> refused(const char* why) {
    return fail(Errc::invalid, std::string("That is no CBOR that can be read here: ") + why + ".");
}

/// Initial byte and argument (RFC 8949 section 3).
struct Head {
    unsigned major = 0;
    std::uint64_t argument = 0;
};

Result<Head> take_head(std::string_view& from) {
    if (from.empty()) return refused("it is cut off");
    unsigned first = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    Head head{first >> 5u, first & 31u};
    if (head.argument < 24) return head;
    if (head.argument > 27) return refused("a length is indefinite or reserved");
    auto size = std::size_t(1) << (head.argument - 24);
    if (from.size() < size) return refused("it is cut off");
    head.argument = 0;
    for (unsigned char byte : from.substr(0, size)) head.argument = head.argument << 8u | byte;
    from.remove_prefix(size);
    return head;
}

} // namespace

Result<Cbor> Cbor::take(std::string_view& from) {
    return take(from, 0);
}

Result<Cbor> Cbor::parse(std::string_view whole) {
    FAIRLEAD_TRY(item, take(whole, 0));
    if (!whole.empty()) return refused("something follows it");
    return std::move(item);
}

Result<Cbor> Cbor::take(std::string_view& from, int depth) {
    if (depth > deepest) return refused("it is nested too deep");
    FAIRLEAD_TRY(head, take_head(from));
    Cbor item;
    switch (head.major) {
    case 0:
    case 1:
        if (head.argument > std::uint64_t(std::numeric_limits<std::int64_t>::max()))
            return refused("a number is too large");
        item.kind_ = Kind::integer;
        item.integer_ = static_cast<std::int64_t>(head.argument);
        if (head.major == 1) item.integer_ = -1 - item.integer_;
        return item;
    case 2:
    case 3:
        if (head.argument > from.size()) return refused("it is cut off");
        item.kind_ = head.major == 2 ? Kind::bytes : Kind::text;
        item.string_ = from.substr(0, head.argument);
        from.remove_prefix(head.argument);
        return item;
    case 4:
        item.kind_ = Kind::array;
        // Each turn takes at least a byte or ends the reading, whatever count was claimed.
        for (std::uint64_t i = 0; i < head.argument; ++i) FAIRLEAD_CHECK(take(from, depth + 1));
        return item;
    case 5:
        item.kind_ = Kind::map;
        for (std::uint64_t i = 0; i < head.argument; ++i) {
            if (i == most_entries) return refused("a map has too many entries");
            FAIRLEAD_TRY(key, take(from, depth + 1));
            FAIRLEAD_TRY(value, take(from, depth + 1));
            if (!key.integer() && !key.text()) return refused("a key is neither number nor text");
            for (const auto& entry : item.entries_)
                if (entry.first.same_key(key)) return refused("a key is there twice");
            item.entries_.emplace_back(std::move(key), std::move(value));
        }
        return item;
    case 6:
        return refused("it has a tag");
    default:
        return item;
    }
}

bool Cbor::same_key(const Cbor& other) const {
    return kind_ == other.kind_ && integer_ == other.integer_ && string_ == other.string_;
}

std::optional<std::int64_t> Cbor::integer() const {
    if (kind_ != Kind::integer) return std::nullopt;
    return integer_;
}

std::optional<std::string_view> Cbor::bytes() const {
    if (kind_ != Kind::bytes) return std::nullopt;
    return string_;
}

std::optional<std::string_view> Cbor::text() const {
    if (kind_ != Kind::text) return std::nullopt;
    return string_;
}

const Cbor* Cbor::find(std::int64_t key) const {
    for (const auto& [name, value] : entries_)
        if (name.integer() == key) return &value;
    return nullptr;
}

const Cbor* Cbor::find(std::string_view key) const {
    for (const auto& [name, value] : entries_)
        if (name.text() == key) return &value;
    return nullptr;
}

} // namespace fairlead::crypto
