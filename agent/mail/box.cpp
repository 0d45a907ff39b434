#include "agent/mail/box.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace fairlead::mail {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view ending = ".eml", begun = ".incoming-";
constexpr auto unfinished_for = 1h;
constexpr std::uint64_t least_free = 512ull << 20;

tl::unexpected<Error> broken(std::string_view what) {
    return fail(
        Errc::internal, fmt::format("Captured mail cannot be {}: {}.", what, std::strerror(errno))
    );
}

std::string file_of(const std::string& id) {
    return id + std::string(ending);
}

Timestamp time_of(const std::string& id) {
    std::int64_t ms = 0;
    std::from_chars(id.data(), id.data() + id.find('-'), ms);
    return from_ms(ms);
}

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Hands every name in it to `one`.
template <class One>
Result<> each_name(int folder, One one) {
    // A stream of its own: closing it closes the descriptor that it was made of.
    Descriptor again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::unique_ptr<DIR, CloseFolder> all(again ? ::fdopendir(again.get()) : nullptr);
    if (!all) return broken("listed");
    again.release();
    while (auto* entry = ::readdir(all.get())) one(std::string_view(entry->d_name));
    return {};
}

Result<> write_all(int file, std::string_view bytes, off_t at) {
    while (!bytes.empty()) {
        auto done = ::pwrite(file, bytes.data(), bytes.size(), at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return broken("written");
        at += done;
        bytes.remove_prefix(static_cast<std::size_t>(done));
    }
    return {};
}

/// As much of it as the head has room for.
std::string head_of(proto::MailSummary summary) {
    for (std::size_t most : std::initializer_list<std::size_t>{300, 120, 40, 0}) {
        auto shorten = [&](std::string& text) { text.resize(std::min(text.size(), most)); };
        auto text = proto::write_text(summary);
        if (text.size() < head_bytes) {
            text.resize(head_bytes - 1, ' ');
            return text + '\n';
        }
        for (auto* part : {&summary.sender, &summary.from, &summary.to, &summary.subject})
            shorten(*part);
        summary.recipients.resize(std::min<std::size_t>(summary.recipients.size(), most / 100));
    }
    return std::string(head_bytes - 1, ' ') + '\n';
}

} // namespace

std::string make_mail_id(Timestamp now) {
    auto ms = std::clamp<std::int64_t>(to_ms(now), 0, 9'999'999'999'999);
    return fmt::format("{:013}-{}", ms, crypto::hex_encode(crypto::random_bytes(6)));
}

Incoming::~Incoming() {
    if (!kept_ && folder_) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
}

Result<> Incoming::append(std::string_view bytes) {
    FAIRLEAD_CHECK(write_all(file_.get(), bytes, static_cast<off_t>(head_bytes + size_)));
    size_ += bytes.size();
    return {};
}

Result<> Incoming::commit(proto::MailSummary summary) {
    summary.bytes = size_;
    auto name = file_of(summary.id);
    FAIRLEAD_CHECK(write_all(file_.get(), head_of(std::move(summary)), 0));
    if (::renameat(folder_.get(), temporary_.c_str(), folder_.get(), name.c_str()) != 0)
        return broken("named");
    kept_ = true;
    return {};
}

Result<Box> Box::open(const std::filesystem::path& folder) {
    Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (opened) return Box(std::move(opened));
    if (errno == ENOENT)
        return fail(Errc::not_found, fmt::format("There is no folder {}.", folder.string()));
    return broken(fmt::format("opened at {}", folder.string()));
}

Result<std::vector<Stored>> Box::list() const {
    std::vector<Stored> all;
    FAIRLEAD_CHECK(each_name(folder_.get(), [&](std::string_view name) {
        if (!name.ends_with(ending)) return;
        name.remove_suffix(ending.size());
        if (!proto::is_mail_id(name)) return;
        struct stat info {};
        Stored one;
        one.id = name;
        if (::fstatat(folder_.get(), file_of(one.id).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode))
            return;
        auto size = static_cast<std::uint64_t>(info.st_size);
        one.bytes = size > head_bytes ? size - head_bytes : 0;
        all.push_back(std::move(one));
    }));
    std::ranges::sort(all, {}, &Stored::id);
    return all;
}

Result<Descriptor> Box::message(const std::string& id) const {
    if (!proto::is_mail_id(id)) return fail(Errc::not_found, "That is no name of a message.");
    Descriptor file(
        ::openat(folder_.get(), file_of(id).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    );
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
        ::lseek(file.get(), head_bytes, SEEK_SET) < 0)
        return fail(Errc::not_found, "There is no such message, or not any more.");
    return file;
}

std::optional<proto::MailSummary> Box::summary(const std::string& id) const {
    auto file = message(id);
    if (!file) return std::nullopt;
    std::string head(head_bytes, '\0');
    if (::pread(file->get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()))
        return std::nullopt;
    auto read = proto::read_text<proto::MailSummary>(head);
    proto::MailSummary summary;
    if (read) summary = *std::move(read);
    summary.id = id;
    return summary;
}

Result<Incoming> Box::begin() const {
    auto name = std::string(begun) + crypto::hex_encode(crypto::random_bytes(12));
    Descriptor file(::openat(
        folder_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600
    ));
    Descriptor folder(::fcntl(folder_.get(), F_DUPFD_CLOEXEC, 3));
    if (!file || !folder) return broken("written");
    return Incoming(std::move(folder), std::move(file), std::move(name));
}

Result<bool> Box::remove(const std::string& id) const {
    if (!proto::is_mail_id(id)) return false;
    if (::unlinkat(folder_.get(), file_of(id).c_str(), 0) == 0) return true;
    if (errno == ENOENT) return false;
    return broken("deleted");
}

Result<Removed> Box::remove_all() const {
    FAIRLEAD_TRY(all, list());
    Removed removed;
    for (const auto& one : all) {
        FAIRLEAD_TRY(gone, remove(one.id));
        if (!gone) continue;
        ++removed.messages;
        removed.bytes += one.bytes + head_bytes;
    }
    return removed;
}

Result<Removed> Box::sweep(const proto::MailRetention& retention, Timestamp now) const {
    FAIRLEAD_TRY(all, list());
    std::uint64_t left = 0;
    for (const auto& one : all) left += one.bytes + head_bytes;
    auto oldest = now - std::chrono::hours(24) * retention.days;
    Removed removed;
    for (std::size_t i = 0; i < all.size(); ++i) {
        bool too_old = time_of(all[i].id) < oldest;
        bool too_much = all.size() - i > retention.messages || left > retention.bytes;
        if (!too_old && !too_much) break;
        FAIRLEAD_CHECK(remove(all[i].id));
        left -= all[i].bytes + head_bytes;
        ++removed.messages;
        removed.bytes += all[i].bytes + head_bytes;
    }
    std::vector<std::string> unfinished;
    FAIRLEAD_CHECK(each_name(folder_.get(), [&](std::string_view name) {
        if (name.starts_with(begun)) unfinished.emplace_back(name);
    }));
    for (const auto& name : unfinished) {
        struct stat info {};
        if (::fstatat(folder_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (from_ms(std::int64_t(info.st_mtime) * 1000) + unfinished_for < now)
            ::unlinkat(folder_.get(), name.c_str(), 0);
    }
    return removed;
}

bool Box::nearly_full() const {
    struct statvfs disk {};
    if (::fstatvfs(folder_.get(), &disk) != 0) return false;
    return std::uint64_t(disk.f_bavail) * disk.f_frsize < least_free;
}

} // namespace fairlead::mail
