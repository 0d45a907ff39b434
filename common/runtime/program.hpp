/// Programs as parts of a pipeline: one that a sink fills, one that fills a sink.
#pragma once

#include "common/runtime/process.hpp"
#include "common/runtime/sink.hpp"

#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace fairlead {

/// Runs a program and passes what it prints into `sink`, which is left unfinished. A sink that
/// fails ends the program, and its error is the answer. A program that fails is Errc::internal with
/// `code` and the end of what it said on standard error.
Result<> stream_from(Command command, Sink& sink, std::string_view what, std::string_view code);

/// A program's standard input. Finishing it waits for the program's end; one that is destroyed
/// unfinished ends the program, which is not to take what it has for the whole. A program that
/// fails is Errc::conflict with `code`, and what it said.
class IntoProgram final : public Sink {
public:
    IntoProgram(Command command, std::string code);
    ~IntoProgram() override;

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override;
    Result<> finish() override;
    /// What it said so far, once it ended.
    const std::string& said() const { return said_; }

private:
    std::stop_source stop_;
    Command command_;
    std::string code_, said_;
    Descriptor input_;
    std::thread runner_;
    Result<Exit> ended_ = fail(Errc::internal, "It was not started.");
    bool failed_ = false;
};

} // namespace fairlead
