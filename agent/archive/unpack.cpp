#include "agent/archive/below.hpp"
#include "agent/archive/damaged.hpp"
#include "agent/archive/pack.hpp"
#include "agent/archive/zstd.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fairlead::archive {

struct Unpacker::State final : TarHandler {
    State(
        int folder, std::string name, const FileTable& wanted_files,
        const std::vector<crypto::Identity>& identities, const UnpackOptions& how
    )
        : pack(std::move(name)), list(wanted_files), options(how),
          tree(folder, how.folder_mode, how.owner, how.group), tar(*this), zstd(tar, how.limit),
          age(how.file_key ? crypto::AgeReader(zstd, how.file_key->clone())
                           : crypto::AgeReader(zstd, identities)) {}

    tl::unexpected<Error> wrong(const std::string& path, const std::string& what) const {
        return damaged("The pack " + pack + " is damaged: " + path + " " + what + ".");
    }

    Result<> begin(const TarMember& member) override {
        wanted = list.find(member.name);
        if (!wanted || wanted->pack != pack) {
            wanted.reset();
            return {};
        }
        if (wanted->size != member.size)
            return wrong(
                member.name, "has " + std::to_string(member.size) + " bytes instead of " +
                                 std::to_string(wanted->size)
            );
        auto made = tree.create(member.name, options.file_mode);
        if (!made && made.error().kind() == Errc::conflict)
            return wrong(member.name, "is in it twice, or was in the folder before");
        if (!made) return tl::unexpected(std::move(made).error());
        file = std::move(*made);
        return {};
    }

    Result<> data(std::span<const std::byte> bytes) override {
        if (!wanted) return {};
        std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        if (std::holds_alternative<crypto::Sha1::Digest>(wanted->hash))
            sha1.add(text);
        else
            sha256.add(text);
        while (!bytes.empty()) {
            auto count = ::write(file.get(), bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR) continue;
            if (count < 0)
                return fail(Errc::internal, wanted->path + ": " + std::strerror(errno) + ".");
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
        return {};
    }

    Result<> end() override {
        if (!wanted) return {};
        file.reset();
        bool right = std::holds_alternative<crypto::Sha1::Digest>(wanted->hash)
                         ? ContentHash(sha1.finish()) == wanted->hash
                         : ContentHash(sha256.finish()) == wanted->hash;
        if (!right) return wrong(wanted->path, "is not what was packed");
        ++files;
        content_bytes += wanted->size;
        return {};
    }

    std::string pack;
    const FileTable& list;
    UnpackOptions options;
    Tree tree;
    std::optional<FileEntry> wanted; ///< the member that is being written
    Descriptor file;
    crypto::Sha1 sha1;
    crypto::Sha256 sha256;
    std::uint64_t files = 0;
    std::uint64_t content_bytes = 0;
    TarReader tar;
    ZstdReader zstd;
    crypto::AgeReader age;
};

Unpacker::Unpacker(
    int folder, std::string pack, const FileTable& list,
    const std::vector<crypto::Identity>& identities, UnpackOptions options
)
    : state_(std::make_unique<State>(folder, std::move(pack), list, identities, options)) {}
Unpacker::~Unpacker() = default;

Result<> Unpacker::write(std::span<const std::byte> bytes) {
    return state_->age.write(bytes);
}

Result<> Unpacker::finish() {
    FAIRLEAD_CHECK(state_->age.finish());
    auto expected = state_->list.files_in(state_->pack);
    if (state_->files != expected)
        return damaged(
            "The pack " + state_->pack + " is damaged: it has " + std::to_string(state_->files) +
            " of the " + std::to_string(expected) + " files that should be in it."
        );
    return {};
}

std::uint64_t Unpacker::files() const {
    return state_->files;
}
std::uint64_t Unpacker::content_bytes() const {
    return state_->content_bytes;
}

} // namespace fairlead::archive
