#include "agent/archive/tar.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace fairlead::archive {
namespace {

constexpr std::size_t block_size = 512;
constexpr std::uint64_t max_octal_size = 077777777777; ///< eleven digits

/// POSIX ustar (IEEE Std 1003.1, pax): every field is text.
struct Block {
    char name[100] = {};
    char mode[8] = {};
    char uid[8] = {};
    char gid[8] = {};
    char size[12] = {};
    char mtime[12] = {};
    char checksum[8] = {};
    char type = 0;
    char link[100] = {};
    char magic[6] = {};
    char version[2] = {};
    char user[32] = {};
    char group[32] = {};
    char major[8] = {};
    char minor[8] = {};
    char prefix[155] = {};
    char rest[12] = {};
};
static_assert(sizeof(Block) == block_size);

template <std::size_t N>
void put_octal(char (&field)[N], std::uint64_t value) {
    field[N - 1] = '\0';
    for (std::size_t i = N - 1; i-- > 0; value >>= 3)
        field[i] = static_cast<char>('0' + (value & 7));
}

/// Where `name` can be cut into prefix and name; 0 when it fits uncut, npos when it cannot.
std::size_t split_of(std::string_view name) {
    if (name.size() <= sizeof(Block::name)) return 0;
    auto at = name.rfind('/', sizeof(Block::prefix));
    if (at == std::string_view::npos || at == 0 || name.size() - at - 1 > sizeof(Block::name))
        return std::string_view::npos;
    return at;
}

void put_checksum(Block& block) {
    std::memset(block.checksum, ' ', sizeof block.checksum);
    unsigned sum = 0;
    auto bytes = reinterpret_cast<const unsigned char*>(&block);
    for (std::size_t i = 0; i < block_size; ++i) sum += bytes[i];
    block.checksum[6] = '\0';
    for (std::size_t i = 6; i-- > 0; sum >>= 3)
        block.checksum[i] = static_cast<char>('0' + (sum & 7));
}

/// "<length> key=value\n", where the length counts itself.
std::string pax_record(std::string_view key, std::string_view value) {
    auto rest = key.size() + value.size() + 3;
    auto length = rest + std::to_string(rest).size();
    while (std::to_string(length).size() + rest != length)
        length = std::to_string(length).size() + rest;
    return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

} // namespace

bool is_safe_name(std::string_view name) {
    if (name.empty() || name.size() > tar_max_name || name.find('\0') != std::string_view::npos)
        return false;
    for (;;) {
        auto end = name.find('/');
        auto part = name.substr(0, end);
        if (part.empty() || part == "." || part == "..") return false;
        if (end == std::string_view::npos) return true;
        name.remove_prefix(end + 1);
    }
}

Result<> TarWriter::header(std::string_view name, std::uint64_t size, mode_t mode, char type) {
    Block block;
    auto split = split_of(name);
    auto last = split == 0 ? name : name.substr(split + 1);
    std::memcpy(block.name, last.data(), std::min(last.size(), sizeof block.name));
    std::memcpy(block.prefix, name.data(), split);
    put_octal(block.mode, mode & 07777);
    put_octal(block.uid, 0);
    put_octal(block.gid, 0);
    put_octal(block.size, std::min(size, max_octal_size));
    put_octal(block.mtime, 0);
    block.type = type;
    std::memcpy(block.magic, "ustar", 6);
    std::memcpy(block.version, "00", 2);
    put_checksum(block);
    size_ = left_ = size;
    return out_.write(std::as_bytes(std::span(&block, 1)));
}

Result<> TarWriter::pad() {
    static constexpr std::array<std::byte, block_size> zeros{};
    auto over = size_ % block_size;
    return over == 0 ? Result<>() : out_.write(std::span(zeros).first(block_size - over));
}

Result<> TarWriter::begin(std::string_view name, std::uint64_t size, mode_t mode) {
    if (inside_ || !is_safe_name(name)) throw std::logic_error("a tar member out of order");
    std::string extra;
    bool whole = split_of(name) != std::string_view::npos;
    if (!whole) extra += pax_record("path", name);
    if (size > max_octal_size) extra += pax_record("size", std::to_string(size));
    if (!extra.empty()) {
        FAIRLEAD_CHECK(header("PaxHeaders/file", extra.size(), 0600, 'x'));
        FAIRLEAD_CHECK(out_.write(extra));
        FAIRLEAD_CHECK(pad());
    }
    inside_ = true;
    // Readers that know no pax headers see the end of a name that is too long.
    auto shown = whole ? name : name.substr(name.size() - sizeof(Block::name));
    return header(shown, size, mode, '0');
}

Result<> TarWriter::write(std::span<const std::byte> bytes) {
    if (!inside_ || bytes.size() > left_) throw std::logic_error("a tar member is overfull");
    left_ -= bytes.size();
    return out_.write(bytes);
}

Result<> TarWriter::end() {
    if (!inside_ || left_ > 0) throw std::logic_error("a tar member ends too early");
    inside_ = false;
    return pad();
}

Result<> TarWriter::finish() {
    if (inside_) throw std::logic_error("a tar archive ends in a member");
    static constexpr std::array<std::byte, 2 * block_size> zeros{};
    FAIRLEAD_CHECK(out_.write(std::span(zeros)));
    return out_.finish();
}

} // namespace fairlead::archive
