/// A folder that goes away, sinks in memory, programs of others.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/process.hpp"
#include "common/runtime/sink.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace fairlead::archive {

constexpr std::size_t plenty = 256 << 20;

class Folder {
public:
    Folder() {
        char name[] = "/tmp/fairlead-archive-XXXXXX";
        path = ::mkdtemp(name);
        descriptor = Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;

    void put(const std::string& name, std::string_view content) const {
        std::filesystem::create_directories((path / name).parent_path());
        REQUIRE(write_file(path / name, content, 0644));
    }
    std::string get(const std::string& name) const {
        auto content = read_file(path / name, plenty);
        return content ? *content : "(" + content.error().message() + ")";
    }
    std::string operator/(const std::string& name) const { return path / name; }

    std::filesystem::path path;
    Descriptor descriptor;
};

/// Runs a program of somebody else's; its output.
inline std::string run_other(std::vector<std::string> argv, const std::string& folder = "/") {
    Command command;
    command.argv = std::move(argv);
    command.folder = folder;
    auto output = run_ok(command);
    REQUIRE_MESSAGE(output, (output ? "" : output.error().message()));
    return *output;
}

/// Bytes that do not compress, always the same.
inline std::string sample(std::size_t size, std::uint32_t state = 12345) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return text;
}

/// Writes in pieces of `step` bytes and finishes; the first error.
inline Result<> pour(Sink& into, std::string_view text, std::size_t step = 1 << 20) {
    for (std::size_t at = 0; at < text.size(); at += step)
        FAIRLEAD_CHECK(into.write(text.substr(at, step)));
    return into.finish();
}

} // namespace fairlead::archive
