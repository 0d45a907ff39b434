#include "controller/logs/reading.hpp"

#include "common/async/within.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace fairlead::logs {
namespace {

using std::chrono::ceil;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::size_t most_held = 64 * 1024;
/// A server that says more than an agent does is not believed.
constexpr std::uint64_t most_bytes = proto::most_log_bytes + 1024 * 1024;

const Thing& thing_of(const Asked& asked) {
    return asked.recording ? a_recording : asked.mail ? some_mail : a_log;
}

constexpr auto cancelled = static_cast<std::uint32_t>(stream::ResetCode::cancelled);

} // namespace

Reading::Reading(
    Executor executor, AskedPtr asked, stream::Stream from, const ReadingOptions& options
)
    : executor_(executor), asked_(std::move(asked)), options_(options), stream_(std::move(from)),
      space_(executor), news_(executor) {
    stream_.limit_window(most_held);
}

Task<Result<>> Reading::open() {
    const auto& thing = thing_of(*asked_);
    auto failed = std::string(thing.code) + "_failed";
    auto first = co_await within(options_.opening, stream_.read(1));
    if (!first) {
        if (first.error().kind() == Errc::timeout)
            co_return fail(
                Error(Errc::unavailable, "The server took too long to answer.").with_code(failed)
            );
        co_return fail(refusal_of(stream_.reset_code(), first.error(), thing));
    }
    if (*first != std::string(1, proto::log_opened))
        co_return fail(
            Error(Errc::unavailable, "The server's agent broke the rules.").with_code(failed)
        );
    if (!why_.word.empty())
        co_return fail(Error(Errc::unavailable, why_.message).with_code(why_.word));
    co_return Result<>();
}

Task<> Reading::write(net::BodyWriter& writer) {
    {
        TaskGroup both(executor_);
        both_ = &both;
        std::exception_ptr thrown;
        try {
            both.spawn(take());
            both.spawn(give(writer));
            co_await both.join();
        } catch (...) {
            thrown = std::current_exception();
        }
        both_ = nullptr;
        if (thrown) std::rethrow_exception(thrown);
    }
    if (dropped_) throw std::runtime_error("a log's reader took nothing: " + why_.word);
    if (asked_->is_file() && !whole_)
        throw std::runtime_error("the file of a log is not whole: " + why_.word);
}

/// From the server, as far as there is room.
Task<> Reading::take() {
    while (!over_) {
        if (held_.size() >= most_held) {
            co_await space_.wait();
            continue;
        }
        auto bytes = co_await stream_.read();
        if (over_) co_return;
        if (!bytes)
            finish(lost(stream_.reset_code(), bytes.error(), thing_of(*asked_)));
        else if (bytes->empty())
            finish(LastWords("lost", "The server ended it without a word."));
        else
            accept(*std::move(bytes));
    }
}

void Reading::accept(std::string bytes) {
    total_ += bytes.size();
    auto end = bytes.find(proto::log_whole);
    bool whole = end != std::string::npos;
    bool rules = !whole || end + 1 == bytes.size();
    if (rules && (!asked_->has_end() || total_ <= most_bytes)) {
        held_.append(bytes, 0, end);
        news_.notify();
        if (!whole) return;
        whole_ = true;
        stream_.close();
        return finish({});
    }
    stream_.reset(cancelled, "It is more than may be read.");
    finish(LastWords("lost", "The server's agent broke the rules."));
}

void Reading::finish(LastWords why) {
    if (over_) return;
    over_ = true;
    if (why_.word.empty()) why_ = std::move(why);
    space_.notify();
    news_.notify();
}

/// Until it has to end for its reader's or its own time.
std::optional<milliseconds> Reading::left() const {
    auto most = asked_->lasts ? std::min(*asked_->lasts, options_.longest) : options_.longest;
    return ceil<milliseconds>(began_ + most - Steady::now());
}

/// To the reader.
Task<> Reading::give(net::BodyWriter& writer) {
    for (;;) {
        if (!held_.empty()) {
            auto piece = std::exchange(held_, {});
            space_.notify();
            between_lines_ = piece.ends_with('\n');
            auto written = co_await writer.write(piece);
            if (!written) break;
            continue;
        }
        if (over_) {
            if (why_.word.empty() || asked_->is_file()) co_return;
            auto last = (between_lines_ ? "" : "\n") + end_line(why_);
            auto told = co_await writer.write(last);
            static_cast<void>(told);
            co_return;
        }
        auto until = *left();
        if (until.count() <= 0) {
            cut(LastWords(
                "time", "It was open for as long as it may be. Read on by the last cursor."
            ));
            continue;
        }
        auto woken = co_await news_.wait_for(std::min(options_.still_here, until));
        if (woken || over_ || asked_->is_file() || !between_lines_) continue;
        std::string nothing = "\n"; // so that it is known whether somebody still reads
        auto written = co_await writer.write(nothing);
        if (!written) break;
    }
    stream_.reset(cancelled, "Nobody reads it any more.");
    finish(LastWords("left", "The reader has gone."));
}

void Reading::cut(LastWords why) {
    if (over_) return;
    held_.clear(); // nothing more goes out, and what has gone out may end within a line
    stream_.reset(cancelled, "The controller ended this reading.");
    finish(std::move(why));
}

void Reading::drop() {
    if (!both_) return;
    dropped_ = true;
    both_->cancel();
}

} // namespace fairlead::logs
