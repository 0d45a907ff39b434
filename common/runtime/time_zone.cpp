#include "common/runtime/time_zone.hpp"

#include "common/runtime/file.hpp"
#include "common/runtime/time_zone_rule.hpp"

#include <algorithm>

namespace fairlead {
namespace {

constexpr std::size_t max_file = 256 * 1024;
constexpr std::size_t max_name = 64;
constexpr std::uint32_t max_transitions = 10'000;

bool is_name(std::string_view name) {
    if (name.empty() || name.size() > max_name || name.back() == '/') return false;
    char before = '/';
    for (char c : name) {
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-' || c == '+';
        if (!letter && (c != '/' || before == '/')) return false;
        before = c;
    }
    return name.front() != '/';
}

/// Takes big-endian numbers off the front; `broken` once there were too few bytes.
class Bytes {
public:
    explicit Bytes(std::string_view bytes) : rest_(bytes) {}

    std::string_view take(std::size_t size) {
        if (size > rest_.size()) {
            broken = true;
            return {};
        }
        auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    std::int64_t number(std::size_t size) {
        auto bytes = take(size);
        std::uint64_t value = !bytes.empty() && (bytes[0] & 0x80) ? ~std::uint64_t(0) : 0;
        for (unsigned char byte : bytes) value = value << 8 | byte;
        return static_cast<std::int64_t>(value);
    }
    std::uint32_t count() { return static_cast<std::uint32_t>(number(4)); }
    std::string_view rest() const { return rest_; }

    bool broken = false;

private:
    std::string_view rest_;
};

/// What a block of a TZif file (RFC 8536 section 3.1) begins with.
struct Head {
    char version;
    std::uint64_t ut, standard, leaps, times, types, characters;

    std::uint64_t block_size(std::uint64_t time_size) const {
        return times * (time_size + 1) + types * 6 + characters + leaps * (time_size + 4) +
               standard + ut;
    }
};

Head head_of(Bytes& bytes) {
    Head head{};
    auto magic = bytes.take(4);
    auto version = bytes.take(16);
    if (magic != "TZif" || version.empty()) bytes.broken = true;
    head.version = bytes.broken ? '\0' : version[0];
    for (auto* count :
         {&head.ut, &head.standard, &head.leaps, &head.times, &head.types, &head.characters})
        *count = bytes.count();
    return head;
}

} // namespace

Result<TimeZone> TimeZone::load(std::string_view name, const std::filesystem::path& folder) {
    auto unknown = [&] {
        return fail(Error(
                        Errc::invalid, "There is no time zone '" +
                                           std::string(name.substr(0, max_name)) +
                                           "' here. Names look like Europe/Berlin or UTC."
        )
                        .with_code("time_zone_unknown"));
    };
    if (name == "UTC") return TimeZone();
    if (!is_name(name)) return unknown();
    auto content = read_file(folder / name, max_file);
    if (!content || !content->starts_with("TZif")) return unknown();
    TimeZone zone;
    zone.name_ = name;
    if (!zone.read(*content))
        return fail(
            Errc::internal, "The file of the time zone " + zone.name_ +
                                " cannot be read. Install the package tzdata again."
        );
    return zone;
}

/// Of the two blocks of a file, the second has times of 64 bits.
bool TimeZone::read(std::string_view content) {
    Bytes bytes(content);
    auto first = head_of(bytes);
    if (bytes.broken || first.version < '2') return false;
    bytes.take(first.block_size(4));
    auto head = head_of(bytes);
    if (bytes.broken || head.leaps > 0 || head.times > max_transitions || head.types == 0 ||
        head.types > 256)
        return false;

    std::vector<std::int64_t> times;
    for (std::uint64_t i = 0; i < head.times; ++i) times.push_back(bytes.number(8));
    auto kinds = bytes.take(head.times);
    std::vector<std::int32_t> offsets;
    for (std::uint64_t i = 0; i < head.types; ++i) {
        offsets.push_back(static_cast<std::int32_t>(bytes.number(4)));
        bytes.take(2);
    }
    bytes.take(head.characters + head.standard + head.ut);
    if (bytes.broken || !std::is_sorted(times.begin(), times.end())) return false;
    first_offset_ = offsets[0];
    for (std::size_t i = 0; i < times.size(); ++i) {
        auto kind = static_cast<unsigned char>(kinds[i]);
        if (kind >= offsets.size()) return false;
        transitions_.push_back({times[i], offsets[kind]});
    }

    auto footer = bytes.rest();
    if (footer.size() < 2 || footer.front() != '\n' || footer.back() != '\n') return false;
    footer = footer.substr(1, footer.size() - 2);
    if (footer.empty()) {
        // No rule is known: what held last goes on.
        rule_.standard = transitions_.empty() ? first_offset_ : transitions_.back().offset;
        return true;
    }
    auto rule = ZoneRule::parse(footer);
    if (!rule) return false;
    rule_ = *rule;
    return true;
}

std::chrono::seconds TimeZone::offset_at(std::chrono::sys_seconds at) const {
    auto second = at.time_since_epoch().count();
    auto next = std::upper_bound(
        transitions_.begin(), transitions_.end(), second,
        [](std::int64_t wanted, const Transition& transition) { return wanted < transition.at; }
    );
    if (next == transitions_.end()) return std::chrono::seconds(rule_.offset_at(second));
    if (next == transitions_.begin()) return std::chrono::seconds(first_offset_);
    return std::chrono::seconds(std::prev(next)->offset);
}

LocalSeconds TimeZone::to_local(std::chrono::sys_seconds at) const {
    return LocalSeconds(at.time_since_epoch() + offset_at(at));
}

std::vector<std::chrono::sys_seconds> TimeZone::to_instants(LocalSeconds local) const {
    std::chrono::sys_seconds as_utc(local.time_since_epoch());
    // No zone is a day from UTC, so what holds a day before and after is all that can hold.
    std::vector<std::chrono::sys_seconds> instants;
    for (auto around : {-std::chrono::hours(24), std::chrono::hours(24)}) {
        auto instant = as_utc - offset_at(as_utc + around);
        if (to_local(instant) == local) instants.push_back(instant);
    }
    std::sort(instants.begin(), instants.end());
    instants.erase(std::unique(instants.begin(), instants.end()), instants.end());
    return instants;
}

} // namespace fairlead
