/// One conversation by SMTP (RFC 5321, AUTH by RFC 4954): rules without a socket. Whoever has
/// logged in hands messages in for their own environment; nothing goes anywhere from here.
#pragma once

#include "common/runtime/result.hpp"
#include "proto/mail.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::mail {

/// A message that is coming in, for the session that takes it.
class Delivery {
public:
    virtual ~Delivery() = default;
    virtual Result<> append(std::string_view bytes) = 0;
    /// Keeps it. What was not kept is gone with the object.
    virtual Result<> keep(
        std::string_view sender, const std::vector<std::string>& recipients, std::size_t count
    ) = 0;
};

/// Where messages go.
class Mailroom {
public:
    virtual ~Mailroom() = default;
    virtual bool may_enter(const std::string& user, std::string_view password) = 0;
    /// Errc::unavailable with a sentence for the sender, such as that the disk is full.
    virtual Result<std::unique_ptr<Delivery>> begin(const std::string& user) = 0;
};

struct SessionLimits {
    std::uint64_t message = proto::most_mail_bytes;
    std::size_t line = 4096;       ///< of a command
    std::size_t recipients = 1000; ///< of a message
    std::size_t told = 10;         ///< recipients that are kept
    std::size_t errors = 20;       ///< until the conversation is over
};

class Session {
public:
    explicit Session(Mailroom& room, SessionLimits limits = SessionLimits())
        : room_(room), limits_(limits) {}

    static std::string greeting() { return "220 fairlead ESMTP, captures mail\r\n"; }
    /// What came; answers go to the end of `out`. Nothing is taken any more once it is over.
    void take(std::string_view bytes, std::string& out);
    bool over() const { return over_; }
    /// As whom; empty before.
    const std::string& user() const { return user_; }

private:
    enum class State { command, password_plain, user_login, password_login, data };
    /// Of the text of a message: what stood last.
    enum class At { line_start, dot, dot_return, within, carriage_return };

    void command(std::string_view line, std::string& out);
    void authenticate(std::string_view words, std::string& out);
    void try_plain(std::string_view text, std::string& out);
    void enter(const std::string& user, std::string_view password, std::string& out);
    void mail(std::string_view words, std::string& out);
    void recipient(std::string_view words, std::string& out);
    void begin_data(std::string& out);
    /// How much of `bytes` belonged to the message.
    std::size_t data(std::string_view bytes, std::string& out);
    void end_data(std::string& out);
    void store(std::string_view bytes);
    void forget();
    void refuse(std::string_view answer, std::string& out);

    Mailroom& room_;
    SessionLimits limits_;
    State state_ = State::command;
    At at_ = At::line_start;
    std::string line_; // while it is incomplete
    bool too_long_ = false, over_ = false, has_sender_ = false;
    std::string user_, login_, sender_;
    std::vector<std::string> recipients_;
    std::size_t recipient_count_ = 0, errors_ = 0;
    std::unique_ptr<Delivery> delivery_;
    std::uint64_t size_ = 0;
    std::string trouble_; // why the message that is coming in is not kept
};

} // namespace fairlead::mail
