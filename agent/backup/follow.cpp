#include "agent/backup/follow.hpp"

#include "common/json/json.hpp"
#include "common/store/connection.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <tuple>

namespace fairlead::backup {

using namespace std::chrono_literals;

Result<> follow(const deploy::Layout& layout, const std::string& operation) {
    store::ConnectionOptions options;
    options.access = store::Access::read_only;
    store::Connection journal(layout.base / "executor/journal.db", options);
    std::string shown;
    for (;;) {
        FAIRLEAD_TRY(
            step, journal.one<std::string>(
                      "SELECT report FROM step WHERE operation = $1 ORDER BY position DESC LIMIT 1",
                      operation
                  )
        );
        if (step) {
            FAIRLEAD_TRY(report, proto::read_text<proto::StepReport>(*step));
            auto line = fmt::format("{} ({})", report.title, json::enum_name(report.state));
            if (line != shown) fmt::print(stderr, "{}\n", line);
            shown = line;
        }
        using Row = std::tuple<std::string, std::optional<std::string>>;
        FAIRLEAD_TRY(
            row, journal.one<Row>("SELECT state, finished FROM operation WHERE id = $1", operation)
        );
        if (row && std::get<0>(*row) == "finished" && std::get<1>(*row)) {
            FAIRLEAD_TRY(finished, proto::read_text<proto::Finished>(*std::get<1>(*row)));
            if (!finished.error) {
                fmt::print("Done.\n");
                return {};
            }
            return fail(
                Error(Errc::conflict, finished.error->message).with_code(finished.error->code)
            );
        }
        std::this_thread::sleep_for(500ms);
    }
}

} // namespace fairlead::backup
