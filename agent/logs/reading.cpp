#include "agent/logs/reading.hpp"

#include "agent/logs/plain_text.hpp"
#include "proto/log.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fairlead::logs {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t piece = 16 * 1024;
constexpr std::size_t longest_line = 256 * 1024; // of journalctl; 16 KiB that are no text are 64
constexpr std::size_t longest_complaint = 4 * 1024;
constexpr auto settle = 300ms;      // a policy is often changed by several steps
constexpr auto short_flush = 400ms; // where the policy says no

std::string_view sentence(std::string_view word) {
    if (word == "lines") return "There is more: as many entries were asked for, or may be.";
    if (word == "bytes")
        return "There is more: a reading has at most 64 MiB. Ask for a shorter time.";
    if (word == "time") return "The server searched for as long as it may. Ask for a shorter time.";
    if (word == "policy") return "The server's policy does not allow it any more.";
    if (word == "stopped") return "The server's agent stops. Read on in a moment.";
    return "";
}

} // namespace

Reading::Reading(Descriptor peer, Journalctl journal, ReadingOptions options)
    : peer_(std::move(peer)), journal_(std::move(journal)), options_(std::move(options)) {
    out_ = proto::log_opened;
}

std::string Reading::run() {
    while (word_.empty()) {
        send();
        if (!word_.empty()) break;
        wait();
        if (complains_) read_errors();
        if (readable_) read_journal();
        look();
    }
    farewell();
    return word_;
}

void Reading::end(std::string word, std::string message) {
    if (!word_.empty()) return;
    word_ = std::move(word);
    message_ = message.empty() ? std::string(sentence(word_)) : std::move(message);
}

/// Milliseconds for poll(); -1: for ever.
int Reading::patience() const {
    std::optional<Steady::time_point> until = look_at_;
    auto sooner = [&](Steady::time_point at) { until = until ? std::min(*until, at) : at; };
    if (options_.longest.count() > 0) sooner(began_ + options_.longest);
    if (options_.quiet.count() > 0 && !owes()) sooner(heard_ + options_.quiet);
    if (!until) return -1;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Steady::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Reading::wait() {
    auto of_peer = static_cast<short>(POLLRDHUP | (owes() ? POLLOUT : 0));
    std::array<pollfd, 5> fds{
        pollfd{peer_.get(), of_peer, 0}, pollfd{owes() ? -1 : journal_->output(), POLLIN, 0},
        pollfd{journal_->errors(), POLLIN, 0}, pollfd{options_.policy_fd, POLLIN, 0},
        pollfd{options_.stop_fd, POLLIN, 0}};
    // Closed, it would be ready for ever.
    if (complaint_.size() >= longest_complaint) fds[2].fd = -1;
    if (::poll(fds.data(), fds.size(), patience()) < 0) {
        if (errno == EINTR) return;
        throw std::system_error(errno, std::generic_category(), "poll");
    }
    if ((fds[0].revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0) return end("gone");
    readable_ = fds[1].revents != 0;
    complains_ = fds[2].revents != 0;
    if (fds[3].revents != 0) {
        std::array<char, 4096> seen;
        while (::read(options_.policy_fd, seen.data(), seen.size()) > 0) {
        }
        if (!look_at_) look_at_ = Steady::now() + settle;
    }
    if (fds[4].revents != 0) end("stopped");
}

void Reading::look() {
    auto now = Steady::now();
    if (look_at_ && now >= *look_at_) {
        look_at_.reset();
        if (options_.allowed && !options_.allowed()) return end("policy");
    }
    // A slow reader is not what takes long here.
    if (owes()) heard_ = now;
    bool quiet = options_.quiet.count() > 0 && now >= heard_ + options_.quiet;
    bool long_enough = options_.longest.count() > 0 && now >= began_ + options_.longest;
    if (quiet || long_enough) end("time");
}

void Reading::read_errors() {
    complains_ = false;
    std::array<char, 1024> bytes;
    auto got = ::read(journal_->errors(), bytes.data(), bytes.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    // Full, it is not looked at any more.
    if (got <= 0) return complaint_.resize(longest_complaint, '\0');
    auto room = longest_complaint - std::min(complaint_.size(), longest_complaint);
    complaint_.append(bytes.data(), std::min(static_cast<std::size_t>(got), room));
}

void Reading::read_journal() {
    readable_ = false;
    std::array<char, piece> bytes;
    auto got = ::read(journal_->output(), bytes.data(), bytes.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) return journal_ended();
    heard_ = Steady::now();
    take({bytes.data(), static_cast<std::size_t>(got)});
}

void Reading::take(std::string_view bytes) {
    while (!bytes.empty() && word_.empty()) {
        auto feed = bytes.find('\n');
        auto part = bytes.substr(0, feed);
        if (line_.size() + part.size() > longest_line) too_long_ = true;
        if (!too_long_) line_ += part;
        if (feed == std::string_view::npos) return;
        bytes.remove_prefix(feed + 1);
        if (std::exchange(too_long_, false)) {
            Entry unread;
            unread.text = "(an entry of more than 64 KiB, which is not shown)";
            out_ += write_entry(unread, options_.text);
        } else {
            take_line(line_);
        }
        line_.clear();
    }
}

void Reading::take_line(std::string_view line) {
    auto entry = read_entry(line);
    if (!entry || (!options_.skip.empty() && entry->cursor == options_.skip)) return;
    bool before = options_.since_us > 0 && entry->at_us < options_.since_us;
    bool after = options_.until_us > 0 && entry->at_us > options_.until_us;
    if (before || after) {
        // On the far side there is nothing more to come.
        if (!options_.follows && (options_.back ? before : after)) end("done");
        return;
    }
    if (options_.lines > 0 && count_ >= options_.lines) return end("lines");
    auto text = write_entry(*entry, options_.text);
    if (options_.bytes > 0 && total_ + text.size() > options_.bytes) return end("bytes");
    ++count_;
    total_ += text.size();
    out_ += text;
}

void Reading::journal_ended() {
    auto status = journal_->wait();
    for (auto had = complaint_.size(); had < longest_complaint;) {
        read_errors();
        if (complaint_.size() == had) break;
        had = complaint_.size();
    }
    auto said = complaint_.substr(0, complaint_.find('\0'));
    bool closed = said.find("insufficient permissions") != std::string::npos;
    // A search that finds nothing is told by 1, as grep does.
    bool fine = status == 0 || (status == 1 && said.empty());
    if (fine && !closed && !options_.follows) return end("done");
    while (said.ends_with('\n')) said.pop_back();
    bool ignored = false;
    auto last = plain_text(said.substr(said.rfind('\n') + 1), 300, ignored);
    if (closed)
        return end(
            "failed", "The server's journal may not be read by fairlead-logs@: is there a group "
                      "systemd-journal?"
        );
    end("failed", last.empty() ? "journalctl ended by itself." : "journalctl says: " + last);
}

void Reading::send() {
    while (owes()) {
        auto took = ::send(peer_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
        if (took < 0 && errno == EINTR) continue;
        if (took < 0 && errno == EAGAIN) return;
        if (took < 0) return end("gone");
        sent_ += static_cast<std::size_t>(took);
    }
    out_.clear();
    sent_ = 0;
    if (out_.capacity() > 4 * piece) std::string().swap(out_);
}

void Reading::farewell() {
    journal_.reset();
    if (word_ == "gone") return;
    out_.erase(0, std::exchange(sent_, 0));
    out_ += write_end(word_, word_ == "done" ? "" : message_, options_.text);
    out_ += proto::log_whole;
    auto in_a_hurry = word_ == "policy" || word_ == "stopped";
    auto until =
        Steady::now() + (in_a_hurry ? std::chrono::milliseconds(short_flush) : options_.flush);
    for (;;) {
        send();
        auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
        if (!owes() || word_ == "gone" || left <= 0) return;
        pollfd room{peer_.get(), POLLOUT | POLLRDHUP, 0};
        ::poll(&room, 1, static_cast<int>(left));
        if ((room.revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0) return;
    }
}

} // namespace fairlead::logs
