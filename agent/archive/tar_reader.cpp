#include "agent/archive/damaged.hpp"
#include "agent/archive/tar.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace fairlead::archive {
namespace {

constexpr std::size_t block_size = 512;
constexpr std::uint64_t max_extra = 64 * 1024; ///< of a pax header or a long name

// Fields of a header: where they begin, and their sizes.
struct Field {
    std::size_t at, size;
};
constexpr Field name_field{0, 100}, mode_field{100, 8}, size_field{124, 12}, checksum_field{148, 8},
    magic_field{257, 6}, prefix_field{345, 155};
constexpr std::size_t type_at = 156;

std::string_view bytes_of(std::string_view block, Field field) {
    return block.substr(field.at, field.size);
}
std::string_view text_of(std::string_view block, Field field) {
    auto text = bytes_of(block, field);
    return text.substr(0, text.find('\0'));
}

/// Octal digits, with spaces or zeros around; or GNU's binary form for what does not fit.
std::optional<std::uint64_t> number_of(std::string_view field) {
    if (static_cast<unsigned char>(field[0]) == 0x80) {
        std::uint64_t value = 0;
        for (char c : field.substr(1)) {
            if (value >> 55) return std::nullopt;
            value = value << 8 | static_cast<unsigned char>(c);
        }
        return value;
    }
    field = field.substr(0, field.find('\0'));
    while (field.starts_with(' ')) field.remove_prefix(1);
    while (field.ends_with(' ')) field.remove_suffix(1);
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, 8);
    if (error != std::errc() || end != field.data() + field.size()) return std::nullopt;
    return value;
}

bool checksum_fits(std::string_view block) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
        bool own = i >= checksum_field.at && i < checksum_field.at + checksum_field.size;
        sum += own ? ' ' : static_cast<unsigned char>(block[i]);
    }
    return number_of(bytes_of(block, checksum_field)) == sum;
}

bool all_zero(std::string_view bytes) {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

tl::unexpected<Error> broken(const std::string& what) {
    return damaged("The archive is damaged or none that can be read: " + what + ".");
}

/// A name as it may stand in a sentence.
std::string shown(std::string_view name) {
    std::string text(name.substr(0, 200));
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
    return text;
}

/// Calls `visit(key, value)` for each record of a pax header; false when it is none.
template <class Visit>
bool each_record(std::string_view text, Visit visit) {
    while (!text.empty()) {
        std::size_t length = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
        auto digits = static_cast<std::size_t>(end - text.data());
        if (error != std::errc() || length > text.size() || length < digits + 3 ||
            text[digits] != ' ' || text[length - 1] != '\n')
            return false;
        auto record = text.substr(digits + 1, length - digits - 2);
        auto equals = record.find('=');
        if (equals == std::string_view::npos) return false;
        visit(record.substr(0, equals), record.substr(equals + 1));
        text.remove_prefix(length);
    }
    return true;
}

} // namespace

Result<> TarReader::write(std::span<const std::byte> bytes) {
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (!text.empty()) {
        if (part_ == Part::ended) {
            if (!all_zero(text)) return broken("something stands after its end");
            return {};
        }
        if (part_ == Part::header) {
            auto count = std::min(block_size - block_.size(), text.size());
            block_ += text.substr(0, count);
            text.remove_prefix(count);
            if (block_.size() < block_size) return {};
            FAIRLEAD_CHECK(on_header());
            block_.clear();
            continue;
        }
        auto piece =
            text.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, text.size())));
        text.remove_prefix(piece.size());
        left_ -= piece.size();
        if (part_ == Part::file)
            FAIRLEAD_CHECK(handler_.data(std::as_bytes(std::span(piece))));
        else if (part_ != Part::padding)
            extra_ += piece;
        if (left_ == 0) FAIRLEAD_CHECK(on_part_end());
    }
    return {};
}

Result<> TarReader::finish() {
    if (part_ != Part::ended) return broken("it ends too early");
    return {};
}

Result<> TarReader::on_header() {
    if (all_zero(block_)) {
        if (++zero_blocks_ == 2) part_ = Part::ended;
        return {};
    }
    if (zero_blocks_ > 0) return broken("an empty block stands between its members");
    if (++members_ > limits_.members)
        return broken("it has more than " + std::to_string(limits_.members) + " members");
    auto magic = bytes_of(block_, magic_field);
    bool posix = magic == std::string_view("ustar\0", 6);
    if (!posix && magic != "ustar ") return broken("a member has no header");
    if (!checksum_fits(block_)) return broken("a header's checksum is wrong");
    auto size = number_of(bytes_of(block_, size_field));
    auto mode = number_of(bytes_of(block_, mode_field));
    if (!size || !mode) return broken("a header has a number that is none");

    char type = block_[type_at];
    if (type == 'x' || type == 'g' || type == 'L') {
        if (*size > max_extra) return broken("a header is too long");
        auto part = type == 'x' ? Part::pax : type == 'g' ? Part::ignored : Part::long_name;
        return enter(part, *size);
    }
    std::string name = std::move(next_name_);
    next_name_.clear();
    if (name.empty()) {
        name = text_of(block_, name_field);
        auto prefix = posix ? text_of(block_, prefix_field) : std::string_view();
        if (!prefix.empty()) name = std::string(prefix) + "/" + name;
    }
    return on_member(
        type, std::move(name), next_size_.value_or(*size), static_cast<mode_t>(*mode & 07777)
    );
}

Result<> TarReader::on_member(char type, std::string name, std::uint64_t size, mode_t mode) {
    next_size_.reset();
    while (name.starts_with("./")) name.erase(0, 2);
    if (type == '5') {
        if (name.ends_with('/')) name.pop_back();
        if (size > 0 || (!name.empty() && name != "." && !is_safe_name(name)))
            return broken("its folder " + shown(name) + " has no proper name");
        return {};
    }
    if (type != '0' && type != '\0')
        return broken(shown(name) + " is a link, a device or something else that is no file");
    if (!is_safe_name(name))
        return broken("its file " + shown(name) + " would not stay in its folder");
    if (size > limits_.member_bytes)
        return broken(
            shown(name) + " is larger than " + std::to_string(limits_.member_bytes) + " bytes"
        );
    FAIRLEAD_CHECK(handler_.begin({std::move(name), size, mode}));
    return enter(Part::file, size);
}

Result<> TarReader::enter(Part part, std::uint64_t size) {
    part_ = part;
    left_ = size;
    padding_ = (block_size - size % block_size) % block_size;
    extra_.clear();
    return size == 0 ? on_part_end() : Result<>();
}

Result<> TarReader::on_part_end() {
    auto ended = part_;
    bool padded = ended != Part::padding && padding_ > 0;
    part_ = padded ? Part::padding : Part::header;
    left_ = padded ? padding_ : 0;
    if (ended == Part::file) return handler_.end();
    if (ended == Part::pax || ended == Part::long_name) return on_extra(ended);
    return {};
}

Result<> TarReader::on_extra(Part kind) {
    if (kind == Part::long_name) {
        next_name_ = extra_.substr(0, extra_.find('\0'));
        return {};
    }
    bool sparse = false, numbers = true;
    bool read = each_record(extra_, [&](std::string_view key, std::string_view value) {
        if (key == "path") next_name_ = value;
        if (key == "size") {
            std::uint64_t size = 0;
            auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), size);
            numbers = numbers && error == std::errc() && end == value.data() + value.size();
            next_size_ = size;
        }
        sparse = sparse || key.starts_with("GNU.sparse");
    });
    if (!read || !numbers) return broken("a pax header makes no sense");
    if (sparse) return broken("it has a sparse file");
    return {};
}

} // namespace fairlead::archive
