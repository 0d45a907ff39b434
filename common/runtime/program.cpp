#include "common/runtime/program.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <cerrno>
#include <vector>

namespace fairlead {
namespace {

constexpr std::size_t longest_word = 1500;

} // namespace

Result<> stream_from(Command command, Sink& sink, std::string_view what, std::string_view code) {
    auto pipe = make_pipe();
    command.output_to = std::make_shared<Descriptor>(std::move(pipe.write));
    Result<Exit> ended = fail(Errc::internal, "It was not started.");
    std::thread runner([&] {
        ended = run(command);
        command.output_to->reset();
    });
    Result<> taken;
    std::vector<std::byte> block(256 << 10);
    for (;;) {
        auto got = ::read(pipe.read.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        taken = sink.write(std::span(block).first(static_cast<std::size_t>(got)));
        if (!taken) break;
    }
    pipe.read.reset(); // a sink that failed ends the program too
    runner.join();
    FAIRLEAD_CHECK(std::move(taken));
    FAIRLEAD_CHECK(ended);
    if (ended->ok()) return {};
    auto said = std::string_view(ended->output);
    if (said.size() > longest_word) said.remove_prefix(said.size() - longest_word);
    return fail(
        Error(Errc::internal, fmt::format("{} failed: {}", what, said)).with_code(std::string(code))
    );
}

IntoProgram::IntoProgram(Command command, std::string code)
    : command_(std::move(command)), code_(std::move(code)) {
    auto pipe = make_pipe();
    input_ = std::move(pipe.write);
    command_.input_from = std::make_shared<Descriptor>(std::move(pipe.read));
    command_.stop = stop_.get_token();
    runner_ = std::thread([this] {
        ended_ = run(command_);
        command_.input_from->reset();
    });
}

IntoProgram::~IntoProgram() {
    if (!runner_.joinable()) return;
    stop_.request_stop();
    input_.reset();
    runner_.join();
}

Result<> IntoProgram::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        auto written = ::write(input_.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            failed_ = true;
            return finish(); // it ended before us, and says why
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<> IntoProgram::finish() {
    input_.reset();
    if (runner_.joinable()) runner_.join();
    FAIRLEAD_CHECK(ended_);
    said_ = ended_->output;
    if (ended_->ok() && !failed_) return {};
    auto said = std::string_view(said_).substr(0, longest_word);
    return fail(Error(
                    Errc::conflict,
                    fmt::format("{} could not take the data: {}", command_.argv.front(), said)
    )
                    .with_code(code_));
}

} // namespace fairlead
