/// What the executor has been asked, has done and must still tell: the memory that makes an
/// operation take effect once. Everything here is committed and synced before a function returns.
#pragma once

#include "agent/journal/ballast.hpp"
#include "common/runtime/clock.hpp"
#include "common/store/connection.hpp"
#include "proto/messages.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::journal {

/// Bounds, so that no peer can fill the disk.
struct Limits {
    std::size_t operations = 10'000;      ///< kept; older finished ones go
    std::size_t log_lines = 10'000;       ///< of one operation
    std::size_t log_bytes = 4 << 20;      ///< of one operation
    std::size_t line_bytes = 4096;        ///< of one line
    std::size_t unacknowledged = 200'000; ///< reports; above it no new operation is taken
};

/// What became of a delivery.
enum class Delivered {
    fresh,        ///< accepted now: run it
    known,        ///< was here before: reported again, nothing to run
    fence_reused, ///< another operation has this fence: refused and reported
    fence_stale, ///< so old that the journal may have forgotten its operation: refused and reported
    fence_invalid, ///< 0, or too far ahead: refused and reported
    full,          ///< too many reports wait for the controller: not taken, not reported
};

/// An operation that is not finished, as recovery finds it.
struct Unfinished {
    proto::Operation operation; ///< without secrets
    std::string slug;
    std::string state; ///< "accepted", "running", "undoing"
    bool cancel = false;
    std::vector<proto::StepReport> steps;
};

/// Thread-safe. Throws store::StoreError when the disk is broken: then nothing further may be done.
/// A disk that is only full costs the ballast beside the file first.
class Journal {
public:
    /// Opens or makes the file (0600). `clock` outlives it.
    Journal(const std::filesystem::path& file, const Clock& clock, Limits limits = {});

    const std::string& name() const { return name_; }

    /// All but the policy, which the journal does not know.
    proto::ExecutorStatus status();

    /// Takes an operation in, once. `slug` names the environment it works on, "" for none.
    Delivered deliver(const proto::Operation& operation, std::string_view slug);

    /// Takes in an operation that nobody delivered: it has no fence, and its reports say how it was
    /// born. Only `fresh`, `known` and `full` come back.
    Delivered
    begin(const proto::Operation& operation, std::string_view slug, const proto::Born& born);
    /// The same for one that is not run.
    Delivered refuse(
        const proto::Operation& operation, const proto::OperationError& error,
        const proto::Born& born
    );

    /// What `work` does with this journal becomes durable in one commit, at its end; until then
    /// other threads wait for the journal, so it must take no time. May run twice, as a full disk
    /// undoes the first time.
    void together(const std::function<void()>& work);

    /// Takes an operation in as finished: it never ran. A known one is reported again instead.
    Delivered refuse(const proto::Operation& operation, const proto::OperationError& error);

    /// Reports the outcome again; Errc::not_found is reported as "journal_unknown".
    void query(std::string_view operation);

    /// Remembers that it should stop. False: it is not known or finished.
    bool cancel(std::string_view operation);

    void set_state(std::string_view operation, std::string_view state);
    void step(std::string_view operation, const proto::StepReport& step);
    /// Before they are noted anew at other positions; inside together().
    void forget_steps(std::string_view operation);
    void log(std::string_view operation, std::vector<proto::LogLine> lines);
    void finish(std::string_view operation, const proto::Finished& finished);

    /// What a step must know again after a crash. Write it before acting.
    void remember(std::string_view operation, std::string_view name, std::string_view value);
    std::map<std::string, std::string> facts(std::string_view operation);

    std::vector<Unfinished> unfinished();

    /// Reports after `seq`, in order and without gaps, at most `count` and about `bytes`. In the
    /// place of one that cannot be read any more stands one that says so.
    std::vector<proto::Report>
    reports_after(std::uint64_t seq, std::size_t count = 100, std::size_t bytes = 256 << 10);
    void acknowledge(std::uint64_t seq);

    /// Gives the ballast up where the disk is nearly full; true when that made room. For whatever
    /// must succeed on a full disk: PostgreSQL then takes connections again.
    bool make_room();

    /// Called after each commit that added a report; from the thread that did it.
    void on_report(std::function<void()> notify) { notify_ = std::move(notify); }

private:
    /// Runs `work` in one transaction, and once more when the disk was full and the ballast made
    /// room.
    template <class Work>
    void durably(Work&& work);
    /// The same, and tells that there may be a report.
    template <class Work>
    void commit(Work&& work);
    std::uint64_t add_report(proto::Report report);
    void add_finished(std::string_view operation, const proto::Finished& finished);
    proto::Report stand_in(std::uint64_t seq, const std::string& operation, std::string_view kind);
    void report_again(std::string_view operation);
    Delivered
    insert(const proto::Operation& operation, std::string_view slug, std::string_view state);
    /// Absent for what was delivered.
    std::optional<proto::Born> birth(std::string_view operation);
    bool known(std::string_view operation);
    bool full();
    void prune();
    void hold_ballast();

    std::recursive_mutex mutex_; ///< taken again inside together()
    store::Connection db_;
    Ballast ballast_;
    const Clock& clock_;
    Limits limits_;
    std::string name_;
    std::function<void()> notify_;
};

} // namespace fairlead::journal
