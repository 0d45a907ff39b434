/// The captured messages of one environment: a folder with a file for each. A file begins with 4096
/// bytes that tell of the message (proto::MailSummary as JSON, and spaces), and goes on with the
/// message as it came.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"
#include "proto/mail.hpp"
#include "proto/operations.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::mail {

inline constexpr std::size_t head_bytes = 4096;

struct Stored {
    std::string id;
    std::uint64_t bytes = 0; ///< of the message, without the head
};

struct Removed {
    std::size_t messages = 0;
    std::uint64_t bytes = 0;
};

/// A message that is coming in. What is not kept by `commit` goes with it.
class Incoming {
public:
    Incoming(Descriptor folder, Descriptor file, std::string temporary)
        : folder_(std::move(folder)), file_(std::move(file)), temporary_(std::move(temporary)) {}
    Incoming(Incoming&&) noexcept = default;
    Incoming& operator=(Incoming&&) = delete;
    ~Incoming();

    Result<> append(std::string_view bytes);
    /// Gives it the name in `summary`, whose size it sets. Not synced: after a power cut the newest
    /// ones may be gone.
    Result<> commit(proto::MailSummary summary);
    std::uint64_t size() const { return size_; }

private:
    Descriptor folder_, file_;
    std::string temporary_;
    std::uint64_t size_ = 0;
    bool kept_ = false;
};

/// Follows no link, and names nothing that is_mail_id() does not: root may use it in a folder of
/// somebody else's.
class Box {
public:
    /// Errc::not_found where there is no such folder.
    static Result<Box> open(const std::filesystem::path& folder);

    /// By time, oldest first.
    Result<std::vector<Stored>> list() const;
    /// Nothing where it is gone, or is none.
    std::optional<proto::MailSummary> summary(const std::string& id) const;
    /// At the first byte of the message. Errc::not_found.
    Result<Descriptor> message(const std::string& id) const;

    Result<Incoming> begin() const;
    /// False where it was gone.
    Result<bool> remove(const std::string& id) const;
    Result<Removed> remove_all() const;
    /// Removes what is older than the retention lets it be, then the oldest of what is too much,
    /// and what was left of messages that did not come to their end.
    Result<Removed> sweep(const proto::MailRetention& retention, Timestamp now) const;

    /// Of the disk that it is on.
    bool nearly_full() const;

private:
    explicit Box(Descriptor folder) : folder_(std::move(folder)) {}
    Descriptor folder_;
};

/// A new message's name.
std::string make_mail_id(Timestamp now);

} // namespace fairlead::mail
