#include "agent/terminal/recording.hpp"

#include "agent/host/files.hpp"
#include "common/json/json.hpp"
#include "common/runtime/log.hpp"
#include "proto/recording.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

namespace fairlead::terminal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".cast";
constexpr std::uint64_t room_for_mark = 256;

struct Kept {
    fs::path file;
    Timestamp at;
    std::uint64_t size = 0;
};

std::vector<Kept> kept(const fs::path& folder) {
    std::vector<Kept> all;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        struct stat info {};
        if (entry.path().extension() != suffix || ::lstat(entry.path().c_str(), &info) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        auto at = from_ms(std::int64_t{info.st_mtim.tv_sec} * 1000);
        all.push_back({entry.path(), at, static_cast<std::uint64_t>(info.st_size)});
    }
    std::ranges::sort(all, {}, &Kept::at);
    return all;
}

/// What is too old goes, and the oldest until `room` more have room. One that is still written to
/// is young, and its process goes on where its file was removed all the same.
void make_room(
    const fs::path& folder, Timestamp now, const RecordingLimits& limits, std::uint64_t room
) {
    auto all = kept(folder);
    std::uint64_t total = room;
    for (const auto& one : all) total += one.size;
    for (const auto& one : all) {
        if (total <= limits.all && one.at >= now - limits.age) break;
        if (::unlink(one.file.c_str()) == 0) total -= one.size;
    }
}

/// Bytes at the end that begin a character of UTF-8 without ending it.
std::size_t begun_at_end(std::string_view bytes) {
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
        auto c = static_cast<unsigned char>(bytes[bytes.size() - back]);
        if (c < 0x80 || c > 0xF4) return 0; // those above begin none
        if (c < 0xC0) continue;
        std::size_t whole = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
        return whole > back ? back : 0;
    }
    return 0;
}

} // namespace

void forget_recordings(const fs::path& folder, Timestamp now, RecordingLimits limits) {
    make_room(folder, now, limits, 0);
}

Result<Recording> Recording::begin(
    const fs::path& folder, const proto::TerminalPurpose& what, Timestamp now,
    RecordingLimits limits
) {
    if (!proto::is_recording_id(what.terminal))
        return fail(Errc::invalid, "The terminal's id cannot name a recording.");
    FAIRLEAD_CHECK(host::make_folder(folder, 0700, ::geteuid(), ::getegid()));
    make_room(folder, now, limits, limits.one);
    Recording recording;
    recording.limits_ = limits;
    recording.file_ = folder / (what.terminal + std::string(suffix));
    recording.out_ = Descriptor(
        ::open(recording.file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)
    );
    if (!recording.out_)
        return fail(
            Errc::unavailable, fmt::format(
                                   "The recording {} cannot be made: {}.", recording.file_.string(),
                                   std::strerror(errno)
                               )
        );
    boost::json::object head{
        {"version", 2},
        {"width", what.columns},
        {"height", what.rows},
        {"timestamp", to_ms(now) / 1000},
        {"title", what.terminal + ", " + what.user},
        {"env", {{"TERM", "xterm-256color"}}}};
    recording.write(json::serialize(head));
    return recording;
}

void Recording::output(std::string_view bytes, std::chrono::milliseconds at) {
    if (!out_) return;
    auto text = begun_ + std::string(bytes);
    auto cut = text.size() - begun_at_end(text);
    begun_ = text.substr(cut);
    text.resize(cut);
    if (!text.empty()) event('o', text, at);
}

void Recording::resized(const proto::TerminalSize& size, std::chrono::milliseconds at) {
    if (out_) event('r', fmt::format("{}x{}", size.columns, size.rows), at);
}

void Recording::event(char type, std::string_view text, std::chrono::milliseconds at) {
    auto line = [&](char kind, std::string_view said) {
        return fmt::format(
            "[{}.{:03}, \"{}\", {}]", at.count() / 1000, at.count() % 1000, kind,
            json::serialize(boost::json::value(said))
        );
    };
    auto whole = line(type, text);
    if (size_ + whole.size() + room_for_mark <= limits_.one) return write(whole);
    write(line('m', "The recording ends here: it is as large as one may be."));
    log::warning("a recording is full and ends", {{"file", file_.string()}});
    out_.reset();
}

void Recording::write(std::string_view line) {
    auto all = std::string(line) + '\n';
    auto wrote = ::write(out_.get(), all.data(), all.size());
    if (wrote == static_cast<ssize_t>(all.size())) {
        size_ += all.size();
        return;
    }
    log::error(
        "a recording ends, since its disk takes no more",
        {{"file", file_.string()}, {"reason", wrote < 0 ? std::strerror(errno) : "full"}}
    );
    out_.reset();
}

} // namespace fairlead::terminal
