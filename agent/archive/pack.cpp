#include "agent/archive/pack.hpp"

#include "agent/archive/below.hpp"
#include "agent/archive/layout.hpp"
#include "agent/archive/zstd.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fairlead::archive {
namespace {

constexpr std::size_t read_size = 256 * 1024;
constexpr std::size_t max_mismatched_names = 20;
/// Behind a pack that became smaller by less than a twentieth: pictures and archives, for which the
/// compressor's time is lost. It tells as well when something comes that it can do more for.
constexpr int dense_level = 1;

/// As many bytes as there are up to `size`.
Result<std::size_t>
read_at(const std::string& path, int file, char* into, std::size_t size, std::uint64_t at) {
    std::size_t have = 0;
    while (have < size) {
        auto count = ::pread(file, into + have, size - have, static_cast<off_t>(at + have));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail(Errc::internal, path + ": " + std::strerror(errno) + ".");
        if (count == 0) break;
        have += static_cast<std::size_t>(count);
    }
    return have;
}

Result<std::uint64_t> size_of(const std::string& path, int file) {
    struct stat info {};
    if (::fstat(file, &info) != 0)
        return fail(Errc::internal, path + ": " + std::strerror(errno) + ".");
    return static_cast<std::uint64_t>(info.st_size);
}

} // namespace

struct Packer::Pipe {
    Pipe(
        std::string name, std::unique_ptr<Sink> to,
        const std::vector<crypto::Recipient>& recipients, int level, int workers
    )
        : out(std::move(to)), age(*out, recipients), zstd(age, level, workers), tar(zstd) {
        pack.name = std::move(name);
    }

    void added(std::string path, std::uint64_t size, ContentHash hash) {
        pack.content_bytes += size;
        pack.members.push_back({std::move(path), size, hash, pack.name});
    }

    FinishedPack pack;
    std::unique_ptr<Sink> out;
    crypto::AgeWriter age;
    ZstdWriter zstd;
    TarWriter tar;
};

Packer::Packer(
    int filestore, std::vector<crypto::Recipient> recipients, const Clock& clock, Open open,
    Done done, PackerOptions options
)
    : files_(filestore), recipients_(std::move(recipients)), clock_(clock), open_(std::move(open)),
      done_(std::move(done)), options_(options) {}
Packer::~Packer() = default;

Result<> Packer::add(const std::string& path) {
    if (!is_safe_name(path))
        return fail(Error(Errc::invalid, "'" + path + "' is no path below a filestore.")
                        .with_code("file_refused"));
    FAIRLEAD_TRY(file, files_.open(path));
    for (int attempt = 0; attempt < 2; ++attempt) {
        FAIRLEAD_TRY(size, size_of(path, file.get()));
        FAIRLEAD_TRY(
            packed, size > options_.single_bytes ? add_large(path, file.get(), size)
                                                 : add_small(path, file.get(), size)
        );
        if (packed) return {};
    }
    return fail(Error(
                    Errc::conflict, path + " changed its size while it was read, twice. Odoo's "
                                           "attachments never do: find out what writes there."
    )
                    .with_code("file_changing"));
}

/// False when the file did not have `size` bytes.
Result<bool> Packer::add_small(const std::string& path, int file, std::uint64_t size) {
    auto expected = static_cast<std::size_t>(size);
    if (buffer_.size() < expected + 1) buffer_.resize(std::max(expected + 1, read_size));
    FAIRLEAD_TRY(count, read_at(path, file, buffer_.data(), expected + 1, 0));
    if (count != expected) return false;

    std::string_view content(buffer_.data(), expected);
    ContentHash hash;
    auto name = name_hash(path);
    if (name) {
        sha1_.add(content);
        hash = sha1_.finish();
    }
    if (!name || std::get<crypto::Sha1::Digest>(hash) != *name) {
        hash = crypto::sha256(content);
        if (name) note_mismatch(path);
    }
    if (pipe_ && pipe_->pack.content_bytes + size > options_.pack_bytes)
        FAIRLEAD_CHECK(close_pack());
    if (!pipe_) FAIRLEAD_CHECK(open_pack());
    FAIRLEAD_CHECK(pipe_->tar.begin(path, size));
    FAIRLEAD_CHECK(pipe_->tar.write(std::as_bytes(std::span(content))));
    FAIRLEAD_CHECK(pipe_->tar.end());
    pipe_->added(path, size, hash);
    bool full = pipe_->pack.content_bytes >= options_.pack_bytes ||
                pipe_->pack.members.size() >= options_.pack_files;
    if (full) FAIRLEAD_CHECK(close_pack());
    return true;
}

/// False when the file did not have `size` bytes; then its pack was given up.
Result<bool> Packer::add_large(const std::string& path, int file, std::uint64_t size) {
    FAIRLEAD_CHECK(close_pack());
    FAIRLEAD_CHECK(open_pack());
    FAIRLEAD_CHECK(pipe_->tar.begin(path, size));
    if (buffer_.size() < read_size) buffer_.resize(read_size);
    crypto::Sha1 sha1;
    crypto::Sha256 sha256;
    for (std::uint64_t at = 0;;) {
        FAIRLEAD_TRY(count, read_at(path, file, buffer_.data(), read_size, at));
        bool right = count > size - at ? false : count == read_size || at + count == size;
        if (!right) {
            pipe_.reset();
            return false;
        }
        if (count == 0) break;
        std::string_view piece(buffer_.data(), count);
        sha1.add(piece);
        sha256.add(piece);
        FAIRLEAD_CHECK(pipe_->tar.write(std::as_bytes(std::span(piece))));
        at += count;
    }
    FAIRLEAD_CHECK(pipe_->tar.end());
    auto name = name_hash(path);
    ContentHash hash = sha1.finish();
    if (!name || std::get<crypto::Sha1::Digest>(hash) != *name) {
        hash = sha256.finish();
        if (name) note_mismatch(path);
    }
    pipe_->added(path, size, hash);
    FAIRLEAD_CHECK(close_pack());
    return true;
}

Result<> Packer::open_pack() {
    auto name = PackId::make(clock_.now()).str();
    FAIRLEAD_TRY(out, open_(name));
    pipe_ = std::make_unique<Pipe>(
        std::move(name), std::move(out), recipients_,
        dense_ ? std::min(options_.level, dense_level) : options_.level, options_.workers
    );
    return {};
}

Result<> Packer::close_pack() {
    if (!pipe_) return {};
    FAIRLEAD_CHECK(pipe_->tar.finish());
    auto pack = std::move(pipe_->pack);
    dense_ = pipe_->zstd.written() > pack.content_bytes / 20 * 19;
    pipe_.reset();
    return done_(std::move(pack));
}

Result<> Packer::finish() {
    return close_pack();
}

void Packer::note_mismatch(const std::string& path) {
    ++mismatched_;
    if (mismatched_names_.size() < max_mismatched_names) mismatched_names_.push_back(path);
}

} // namespace fairlead::archive
