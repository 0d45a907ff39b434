/// Where bytes go: the joints of a pipeline, such as dump → zstd → age → bucket.
#pragma once

#include "common/runtime/result.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace fairlead {

/// Takes bytes in order. One thread at a time. A sink that wraps another one does not own it,
/// finishes it in its own `finish`, and passes its errors on as they are. After an error it is only
/// destroyed; what was never finished is not there for anybody (a file stays under its temporary
/// name, an upload is given up).
class Sink {
public:
    virtual ~Sink() = default;
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    /// Keeps nothing of `bytes` after it returns. May block.
    virtual Result<> write(std::span<const std::byte> bytes) = 0;
    /// Nothing follows. Once.
    virtual Result<> finish() = 0;

    Result<> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
};

/// Collects in memory, up to `limit` bytes; more is Errc::invalid with code "too_large".
class StringSink final : public Sink {
public:
    explicit StringSink(std::size_t limit) : limit_(limit) {}

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override {
        if (bytes.size() > limit_ - text.size())
            return fail(Error(
                            Errc::invalid, "There is more than the " + std::to_string(limit_) +
                                               " bytes that are allowed here."
            )
                            .with_code("too_large"));
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    }
    Result<> finish() override { return {}; }

    std::string text;

private:
    std::size_t limit_;
};

} // namespace fairlead
