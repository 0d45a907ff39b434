#include "controller/logs/readings.hpp"

#include "common/async/event.hpp"
#include "common/async/offload.hpp"
#include "common/runtime/log.hpp"

#include <boost/asio/post.hpp>

#include <utility>
#include <vector>

namespace fairlead::logs {
namespace {

tl::unexpected<Error> over(std::string word, std::string sentence) {
    return fail(Error(Errc::unavailable, std::move(sentence)).with_code(std::move(word)));
}

} // namespace

/// A place in the directory, and the reading that has it.
class Readings::Held {
public:
    Held(Readings& all, AskedPtr what) : all_(all), asked(std::move(what)) {}
    Held(const Held&) = delete;
    ~Held() {
        all_.parts_.directory.remove(asked->id);
        all_.all_.erase(asked->id);
    }

private:
    Readings& all_;

public:
    AskedPtr asked;
    std::unique_ptr<Reading> reading; // once there is a stream
    LastWords cut;                    // before that
};

Readings::Readings(Parts parts, ReadingOptions options)
    : parts_(std::move(parts)), options_(options), group_(parts_.executor) {}

Readings::~Readings() = default;

Task<Result<Readings::Body>> Readings::open(std::string id) {
    auto asked = parts_.directory.take(ReadingId::trusted(id));
    if (!asked) co_return over("access_ended", "The access that this was asked for with is over.");
    auto held = std::make_shared<Held>(*this, asked);
    if (stopping_) co_return over("controller_stops", "The controller stops.");
    all_[asked->id] = held;
    auto opened = co_await parts_.opener(asked);
    if (!opened) co_return fail(std::move(opened).error());
    if (!held->cut.word.empty()) co_return over(held->cut.word, held->cut.message);
    held->reading = std::make_unique<Reading>(parts_.executor, asked, *std::move(opened), options_);
    auto shown = co_await held->reading->open();
    if (!shown) {
        const auto& why = shown.error();
        if (why.code() == "policy_refused") {
            auto writing = write_down(asked, why.code());
            group_.spawn(std::move(writing));
        }
        co_return fail(std::move(shown).error());
    }
    Body body = [held](net::BodyWriter& writer) -> Task<> { return held->reading->write(writer); };
    co_return body;
}

Task<> Readings::write_down(AskedPtr asked, std::string reason) {
    auto write = [&]() -> Result<> {
        try {
            return parts_.journal.refused(*asked, reason);
        } catch (const std::exception& broken) {
            return fail(Errc::internal, broken.what());
        }
    };
    auto written = co_await offload(parts_.pool, write);
    if (!written)
        log::error(
            "that a log was refused could not be written into the audit log",
            {{"reading", asked->id.str()}, {"reason", written.error().message()}}
        );
}

void Readings::cut_now(const ReadingId& id, const LastWords& why) {
    auto found = all_.find(id);
    auto held = found == all_.end() ? nullptr : found->second.lock();
    if (!held) return;
    held->cut = why;
    if (!held->reading) return;
    held->reading->cut(why);
    auto hurrying = hurry(std::move(held));
    group_.spawn(std::move(hurrying));
}

/// A reader who does not take the news is not waited for.
Task<> Readings::hurry(std::shared_ptr<Held> held) {
    co_await sleep_for(options_.goodbye);
    held->reading->drop();
}

void Readings::end_bond(const std::string& bond) {
    auto ids = parts_.directory.drop_bond(bond);
    if (ids.empty()) return;
    asio::post(parts_.executor, [this, ids = std::move(ids)] {
        for (const auto& id : ids)
            cut_now(
                id, LastWords("access_ended", "The access that this was asked for with is over.")
            );
    });
}

Task<> Readings::stop() {
    stopping_ = true;
    std::vector<ReadingId> ids;
    for (const auto& [id, held] : all_) ids.push_back(id);
    for (const auto& id : ids)
        cut_now(id, LastWords("controller_stops", "The controller stops. Read on in a moment."));
    co_await group_.join();
}

} // namespace fairlead::logs
