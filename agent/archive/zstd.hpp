/// zstd as a joint of a pipeline.
#pragma once

#include "common/runtime/sink.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace fairlead::archive {

/// Compresses into one frame with a checksum. About 4 MiB of memory without workers.
class ZstdWriter final : public Sink {
public:
    static constexpr int default_level = 3;

    /// `out` outlives the writer. With `workers` (0 to 4), that many threads compress while the
    /// caller reads on; about 7 MiB of memory more for each. All writes to `out` come from the
    /// caller's thread all the same.
    explicit ZstdWriter(Sink& out, int level = default_level, int workers = 0);
    ~ZstdWriter() override;

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override;
    Result<> finish() override;

    /// Bytes that `out` has been given.
    std::uint64_t written() const;
    /// What it takes now.
    std::size_t memory_bytes() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Decompresses one or more frames; windows of at most 8 MiB, which is also about its memory.
class ZstdReader final : public Sink {
public:
    static constexpr int max_window_log = 23;

    /// `out` outlives the reader. More than `limit` bytes of output, a larger window, a wrong
    /// checksum, an end inside a frame, or no frame at all: Errc::invalid, code "backup_damaged".
    ZstdReader(Sink& out, std::uint64_t limit);
    ~ZstdReader() override;

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override;
    Result<> finish() override;

    /// What it takes now.
    std::size_t memory_bytes() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace fairlead::archive
