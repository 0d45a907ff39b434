#include "agent/app/metrics_main.hpp"

#include "agent/host/asked.hpp"
#include "agent/host/sending.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"
#include "proto/measures.hpp"

#include <csignal>
#include <utility>

namespace fairlead::app {
namespace {

using namespace std::chrono_literals;

constexpr auto opening_time = 5s;
constexpr auto writing_time = 5s; // for each piece that the link takes

Result<> run(const MetricsOptions& options) {
    std::signal(SIGPIPE, SIG_IGN);
    FAIRLEAD_TRY(peer, host::take_connection(options.link_user, "fairlead-metrics.socket"));
    FAIRLEAD_TRY(body, host::read_opening_frame(peer.get(), opening_time));
    auto wanted = proto::read_text<proto::MeasureOpening>(body);
    if (!wanted) {
        host::answer(peer.get(), proto::StreamEnd::not_offered, wanted.error().message());
        return fail(std::move(wanted).error());
    }
    if (!host::answer_open(peer.get())) return {};
    auto measures = metrics::measure(options.places, wanted->deep != 0);
    host::SendOptions how;
    how.patience = writing_time;
    auto end = host::send_plain(peer.get(), proto::write_text(measures), std::move(how));
    if (end != "done")
        return fail(Errc::unavailable, "The link does not take what was measured: " + end + ".");
    return {};
}

} // namespace

int run_metrics(const MetricsOptions& options) {
    auto ended = run(options);
    if (ended) return 0;
    log::error("nothing was measured", {{"reason", ended.error().message()}});
    return 1;
}

} // namespace fairlead::app
