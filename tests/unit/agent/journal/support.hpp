/// Helpers for tests of the journal.
#pragma once

#include "agent/journal/engine.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace fairlead::journal {

inline std::string op_id(unsigned number) {
    auto digits = std::to_string(number);
    return "op_0" + std::string(25 - digits.size(), '0') + digits;
}

inline proto::Operation
operation(unsigned number, std::uint64_t fence, std::string kind = "agent.ping") {
    proto::Operation result;
    result.id = op_id(number);
    result.kind = std::move(kind);
    result.fence = fence;
    result.args = boost::json::object{};
    return result;
}

/// A journal on disk that can be closed and opened again, as a crash does.
class JournalFile {
public:
    explicit JournalFile(Limits limits = {}) : limits_(limits) { open(); }
    void open() {
        journal_.reset();
        journal_ = std::make_unique<Journal>(folder_.path() / "journal.db", clock, limits_);
    }
    /// Changes the file behind the journal's back.
    void run(std::string_view sql) {
        journal_.reset();
        store::Connection(folder_.path() / "journal.db").script(sql);
        open();
    }
    Journal* operator->() { return journal_.get(); }
    Journal& operator*() { return *journal_; }

    const std::filesystem::path& folder() const { return folder_.path(); }

    FakeClock clock;

private:
    store::TemporaryFolder folder_;
    Limits limits_;
    std::unique_ptr<Journal> journal_;
};

inline std::vector<proto::Report> all_reports(Journal& journal) {
    return journal.reports_after(0, 10'000, 64 << 20);
}

/// The last "finished" report of an operation.
inline std::optional<proto::Finished> last_outcome(Journal& journal, const std::string& id) {
    std::optional<proto::Finished> found;
    for (auto& report : all_reports(journal))
        if (report.operation == id && report.finished) found = report.finished;
    return found;
}

} // namespace fairlead::journal
