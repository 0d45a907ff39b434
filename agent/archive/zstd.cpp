#include "agent/archive/zstd.hpp"

#include "agent/archive/damaged.hpp"

#include <zstd.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace fairlead::archive {
namespace {

// Level 3's own window; said here because the memory hangs on it.
constexpr int window_log = 21;
// Smaller than zstd's own choice of four windows, which would take 8 MiB and its copy a worker.
constexpr int job_size = 2 * 1024 * 1024;

std::size_t checked(std::size_t code) {
    if (ZSTD_isError(code)) throw std::runtime_error(ZSTD_getErrorName(code));
    return code;
}

} // namespace

struct ZstdWriter::State {
    State(Sink& to, int level, int workers) : out(to), context(ZSTD_createCCtx()) {
        if (!context) throw std::bad_alloc();
        set(ZSTD_c_compressionLevel, level);
        set(ZSTD_c_windowLog, window_log);
        set(ZSTD_c_checksumFlag, 1);
        // A libzstd without threads refuses this and compresses on the caller's.
        if (workers > 0 &&
            !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, workers)))
            set(ZSTD_c_jobSize, job_size);
    }
    ~State() { ZSTD_freeCCtx(context); }
    State(const State&) = delete;

    void set(ZSTD_cParameter parameter, int value) {
        checked(ZSTD_CCtx_setParameter(context, parameter, value));
    }

    Result<> compress(std::span<const std::byte> bytes, ZSTD_EndDirective end) {
        ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
        for (;;) {
            ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
            auto left = checked(ZSTD_compressStream2(context, &output, &input, end));
            if (output.pos > 0)
                FAIRLEAD_CHECK(out.write(std::as_bytes(std::span(buffer)).first(output.pos)));
            written += output.pos;
            bool done = end == ZSTD_e_end ? left == 0 : input.pos == input.size;
            if (done) return {};
        }
    }

    Sink& out;
    ZSTD_CCtx* context;
    std::uint64_t written = 0;
    std::vector<char> buffer = std::vector<char>(ZSTD_CStreamOutSize());
};

ZstdWriter::ZstdWriter(Sink& out, int level, int workers)
    : state_(std::make_unique<State>(out, level, std::clamp(workers, 0, 4))) {}
ZstdWriter::~ZstdWriter() = default;

Result<> ZstdWriter::write(std::span<const std::byte> bytes) {
    return state_->compress(bytes, ZSTD_e_continue);
}

Result<> ZstdWriter::finish() {
    FAIRLEAD_CHECK(state_->compress({}, ZSTD_e_end));
    return state_->out.finish();
}

std::uint64_t ZstdWriter::written() const {
    return state_->written;
}

std::size_t ZstdWriter::memory_bytes() const {
    return ZSTD_sizeof_CCtx(state_->context) + state_->buffer.size();
}

struct ZstdReader::State {
    State(Sink& to, std::uint64_t bytes) : out(to), limit(bytes), context(ZSTD_createDCtx()) {
        if (!context) throw std::bad_alloc();
        checked(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, max_window_log));
    }
    ~State() { ZSTD_freeDCtx(context); }
    State(const State&) = delete;

    Sink& out;
    std::uint64_t limit;
    std::uint64_t produced = 0;
    ZSTD_DCtx* context;
    std::vector<char> buffer = std::vector<char>(ZSTD_DStreamOutSize());
    bool between_frames = false; ///< a frame has ended, and no other has begun
};

ZstdReader::ZstdReader(Sink& out, std::uint64_t limit)
    : state_(std::make_unique<State>(out, limit)) {}
ZstdReader::~ZstdReader() = default;

Result<> ZstdReader::write(std::span<const std::byte> bytes) {
    auto& s = *state_;
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    bool more = !bytes.empty();
    while (more) {
        ZSTD_outBuffer output{s.buffer.data(), s.buffer.size(), 0};
        auto code = ZSTD_decompressStream(s.context, &output, &input);
        if (ZSTD_isError(code))
            return damaged(
                std::string("The compressed data is damaged: ") + ZSTD_getErrorName(code) + "."
            );
        if (output.pos > s.limit - s.produced)
            return damaged(
                "The compressed data unpacks to more than the " + std::to_string(s.limit) +
                " bytes that it may have."
            );
        s.produced += output.pos;
        s.between_frames = code == 0;
        if (output.pos > 0)
            FAIRLEAD_CHECK(s.out.write(std::as_bytes(std::span(s.buffer)).first(output.pos)));
        // A full buffer may mean that more is ready, though never after a frame's end.
        more = input.pos < input.size || (output.pos == output.size && code != 0);
    }
    return {};
}

Result<> ZstdReader::finish() {
    if (!state_->between_frames)
        return damaged("The compressed data is damaged: it ends too early.");
    return state_->out.finish();
}

std::size_t ZstdReader::memory_bytes() const {
    return ZSTD_sizeof_DCtx(state_->context) + state_->buffer.size();
}

} // namespace fairlead::archive
