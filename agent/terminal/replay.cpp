#include "agent/terminal/replay.hpp"

#include "common/json/json.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fairlead::terminal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".cast";
constexpr std::size_t longest_head = 4096;
constexpr std::size_t piece = 16 * 1024;
constexpr std::size_t most_looked_at = 20'000; // files in the folder

/// What there is from `at` on; less only at the end.
std::string read_at(int file, std::size_t size, std::uint64_t at) {
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        auto offset = static_cast<off_t>(at + have);
        auto got = ::pread(file, bytes.data() + have, size - have, offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
}

/// The first line of an asciicast, as recording.cpp writes it.
bool read_head(std::string_view line, proto::RecordingFacts& facts) {
    auto head = json::parse(line, longest_head);
    if (!head || !head->is_object()) return false;
    const auto& object = head->get_object();
    auto number = [&](const char* name, std::int64_t most) -> std::int64_t {
        const auto* member = object.if_contains(name);
        bool good =
            member && member->is_int64() && member->get_int64() >= 0 && member->get_int64() <= most;
        return good ? member->get_int64() : -1;
    };
    const auto* title = object.if_contains("title");
    auto columns = number("width", 1000), rows = number("height", 1000);
    auto began = number("timestamp", 253'402'300'799);
    if (number("version", 2) != 2 || columns < 0 || rows < 0 || began < 0) return false;
    if (!title || !title->is_string()) return false;
    std::string_view text(title->get_string().data(), title->get_string().size());
    auto comma = text.find(", ");
    if (comma == std::string_view::npos || text.substr(0, comma) != facts.id) return false;
    facts.user = text.substr(comma + 2);
    facts.columns = static_cast<std::uint16_t>(columns);
    facts.rows = static_cast<std::uint16_t>(rows);
    facts.began_ms = began * 1000;
    return true;
}

/// Up to where the file has whole lines: one that is still written to may end within one.
std::uint64_t whole_lines(int file, std::uint64_t size) {
    while (size > 0) {
        auto from = size - std::min<std::uint64_t>(size, piece);
        auto bytes = read_at(file, static_cast<std::size_t>(size - from), from);
        auto feed = bytes.rfind('\n');
        if (feed != std::string::npos) return from + feed + 1;
        size = from;
    }
    return 0;
}

} // namespace

Result<Kept> open_recording(const fs::path& folder, std::string_view id) {
    auto none = [] {
        return fail(Errc::not_found, "There is no such recording here, or not any more.");
    };
    if (!proto::is_recording_id(id)) return none();
    Kept kept;
    auto path = folder / (std::string(id) + std::string(suffix));
    // Not one that waits, such as a pipe that somebody has put there.
    kept.file = Descriptor(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (!kept.file || ::fstat(kept.file.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
        (info.st_uid != 0 && info.st_uid != ::geteuid()))
        return none();
    kept.facts.id = id;
    auto begin = read_at(kept.file.get(), longest_head, 0);
    auto feed = begin.find('\n');
    if (feed == std::string::npos || !read_head(begin.substr(0, feed), kept.facts)) return none();
    auto size = std::min<std::uint64_t>(
        static_cast<std::uint64_t>(info.st_size), proto::most_recording_bytes
    );
    kept.facts.bytes = whole_lines(kept.file.get(), size);
    kept.facts.wrote_ms =
        std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
    return kept;
}

std::vector<proto::RecordingFacts> list_recordings(
    const fs::path& folder, const std::function<bool(const proto::RecordingFacts&)>& wanted,
    std::size_t most
) {
    std::vector<proto::RecordingFacts> all;
    std::error_code failed;
    std::size_t seen = 0;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        if (++seen > most_looked_at) break;
        if (entry.path().extension() != suffix) continue;
        auto kept = open_recording(folder, entry.path().stem().string());
        if (kept && wanted(kept->facts)) all.push_back(std::move(kept->facts));
    }
    auto newer = [](const auto& a, const auto& b) {
        return std::pair(a.began_ms, a.id) > std::pair(b.began_ms, b.id);
    };
    std::ranges::sort(all, newer);
    if (all.size() > most) all.resize(most);
    return all;
}

} // namespace fairlead::terminal
