/// Child processes: from an argument vector, never through a shell, with bounded output and a
/// deadline.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead {

/// How to start a program. `argv[0]` is looked up in a fixed path of system folders unless it holds
/// a slash.
struct Command {
    std::vector<std::string> argv;
    std::vector<std::pair<std::string, std::string>>
        environment; ///< all of it, beside PATH, LANG and HOME
    std::string folder = "/";
    std::optional<std::string> user; ///< become this Unix user, with its groups (root only)
    std::string input;               ///< given on standard input, then closed
    std::chrono::seconds deadline{
        60}; ///< then SIGTERM, after 5 s SIGKILL, to the whole process group
    std::size_t output_limit = 1 << 20; ///< of `output`; what is beyond is dropped from the middle
    std::function<void(std::string_view line)>
        on_line;          ///< each line of output as it comes, without its end (\n, \r\n or \r)
    std::stop_token stop; ///< when requested, ends the process as the deadline does
    /// Instead of `input`, and for standard output alone (standard error stays `output`): ends of
    /// pipes for another thread to feed or read. `run` closes them here once the child has them.
    std::shared_ptr<Descriptor> input_from, output_to;
};

struct Pipe {
    Descriptor read, write;
};
/// Both ends close at exec. Throws std::system_error.
Pipe make_pipe();

/// How it ended. `output` is standard output and standard error together, in the order they came,
/// unless `on_line` took them.
struct Exit {
    int status = 0; ///< exit code; 128 + signal when killed
    bool timed_out = false;
    bool stopped = false; ///< ended because `stop` was requested
    std::string output;

    bool ok() const { return status == 0 && !timed_out && !stopped; }
};

/// Runs to its end on the calling thread. Errors only when it could not be started
/// (Errc::not_found: no such program; Errc::internal). The process and everything in its group is
/// gone when this returns; the process itself also when the caller's thread or process dies.
Result<Exit> run(const Command& command);

/// Runs and fails unless it exits with 0; the message names the program and the last lines of its
/// output.
Result<std::string> run_ok(const Command& command);

/// Runs both, the standard output of `from` being the standard input of `into`. Fails unless both
/// exit with 0 (`from` also with `also_fine`), with what the first that failed said; code
/// "cancelled" where it was stopped.
Result<> run_piped(Command from, Command into, int also_fine = 0);

} // namespace fairlead
