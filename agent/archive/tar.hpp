/// tar archives of plain files (POSIX ustar, with pax headers where a name or a size needs them).
#pragma once

#include "common/runtime/sink.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::archive {

/// Longest name in bytes, for writer and reader.
constexpr std::size_t tar_max_name = 1024;

/// True for a name that stays below the folder it is unpacked in: relative, without empty, "." or
/// ".." parts, without zero bytes, at most tar_max_name bytes.
bool is_safe_name(std::string_view name);

/// Writes members one after the other. What breaks the order below, or a name that is not safe, is
/// std::logic_error.
class TarWriter {
public:
    /// `out` outlives the writer.
    explicit TarWriter(Sink& out) : out_(out) {}

    /// Then `write` exactly `size` bytes, then `end`.
    Result<> begin(std::string_view name, std::uint64_t size, mode_t mode = 0600);
    Result<> write(std::span<const std::byte> bytes);
    Result<> end();
    /// The end of the archive; finishes `out`.
    Result<> finish();

private:
    Result<> header(std::string_view name, std::uint64_t size, mode_t mode, char type);
    Result<> pad();

    Sink& out_;
    std::uint64_t left_ = 0;
    std::uint64_t size_ = 0;
    bool inside_ = false;
};

struct TarMember {
    std::string name; ///< safe, see is_safe_name
    std::uint64_t size = 0;
    mode_t mode = 0; ///< permission bits only
};

/// What a TarReader calls: begin, data in order, end; for each file of the archive.
class TarHandler {
public:
    virtual ~TarHandler() = default;
    virtual Result<> begin(const TarMember& member) = 0;
    virtual Result<> data(std::span<const std::byte> bytes) = 0;
    virtual Result<> end() = 0;
};

struct TarLimits {
    std::size_t members = 1'000'000;
    std::uint64_t member_bytes = std::uint64_t(1) << 40;
};

/// Reads an archive of plain files and folders (folders are passed over) in pieces. Anything else
/// is Errc::invalid, code "backup_damaged": an unsafe name, a link, a device, a wrong checksum,
/// more than the limits, an end in the middle, anything but zeros after the end. Knows ustar, pax
/// headers and GNU's long names. The handler's errors are passed on as they are.
class TarReader final : public Sink {
public:
    /// `handler` outlives the reader.
    explicit TarReader(TarHandler& handler, TarLimits limits = {})
        : handler_(handler), limits_(limits) {}

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override;
    Result<> finish() override;

private:
    enum class Part { header, file, pax, long_name, ignored, padding, ended };

    Result<> on_header();
    Result<> on_member(char type, std::string name, std::uint64_t size, mode_t mode);
    Result<> enter(Part part, std::uint64_t size);
    Result<> on_part_end();
    Result<> on_extra(Part kind);

    TarHandler& handler_;
    TarLimits limits_;
    Part part_ = Part::header;
    std::string block_;     ///< a header that is not whole yet
    std::string extra_;     ///< a pax header's or long name's content
    std::string next_name_; ///< from such a one, for the next member
    std::optional<std::uint64_t> next_size_;
    std::uint64_t left_ = 0;    ///< of the part
    std::uint64_t padding_ = 0; ///< that follows it
    std::size_t members_ = 0;
    std::size_t zero_blocks_ = 0;
};

} // namespace fairlead::archive
