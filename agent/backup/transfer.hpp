/// The executor's side of a worker: starts one, hands it its job, follows what it says.
#pragma once

#include "agent/backup/job.hpp"
#include "agent/journal/work.hpp"

#include <functional>
#include <stop_token>

namespace fairlead::backup {

/// The same for whoever has no operation: `hear` gets each line as it comes, on this thread.
Result<Answer>
run_job(Job job, const std::function<void(const Line&)>& hear, std::stop_token stop = {});

/// The part of a step's percent that a job fills.
struct Span {
    std::uint32_t from = 0, to = 100;
};

/// Runs one job to its end. What it logs and how far it is goes to `work`, whose stop ends it,
/// unless `may_stop` is no. The worker's error comes back as it is; one that died without a word is
/// Errc::internal, code "worker_failed".
enum class MayStop { yes, no };
Result<Answer>
run_job(Job job, journal::Work& work, Span span = {}, MayStop may_stop = MayStop::yes);

} // namespace fairlead::backup
