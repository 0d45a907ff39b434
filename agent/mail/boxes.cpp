#include "agent/mail/header.hpp"
#include "agent/mail/sink.hpp"
#include "common/runtime/log.hpp"

namespace fairlead::mail {

/// Keeps the beginning in memory, for the list, and nothing else.
class Boxes::Arriving final : public Delivery {
public:
    Arriving(Boxes& boxes, std::string slug, Incoming incoming)
        : boxes_(boxes), slug_(std::move(slug)), incoming_(std::move(incoming)) {}

    Result<> append(std::string_view bytes) override {
        if (beginning_.size() < header_bytes)
            beginning_ += bytes.substr(0, header_bytes - beginning_.size());
        return incoming_.append(bytes);
    }

    Result<> keep(
        std::string_view sender, const std::vector<std::string>& recipients, std::size_t count
    ) override {
        proto::MailSummary summary;
        auto now = boxes_.clock_.now();
        summary.id = make_mail_id(now);
        summary.at_ms = to_ms(now);
        summary.sender = plain(sender);
        for (const auto& one : recipients) summary.recipients.push_back(plain(one));
        summary.recipient_count = static_cast<std::uint32_t>(count);
        read_header(beginning_, summary);
        FAIRLEAD_CHECK(incoming_.commit(std::move(summary)));
        if (auto swept = boxes_.count(slug_, incoming_.size() + head_bytes); !swept)
            log::error(
                "captured mail could not be cleared up",
                {{"environment", slug_}, {"reason", swept.error().message()}}
            );
        return {};
    }

private:
    Boxes& boxes_;
    std::string slug_;
    Incoming incoming_;
    std::string beginning_;
};

bool Boxes::may_enter(const std::string& user, std::string_view password) {
    auto account = load_account(places_, user);
    if (account && opens(*account, password)) return true;
    log::warning("a login to hand mail in was refused", {{"user", plain(user, 40)}});
    return false;
}

Result<std::unique_ptr<Delivery>> Boxes::begin(const std::string& user) {
    auto box = Box::open(places_.box(user));
    if (!box) {
        log::error("captured mail has no folder", {{"reason", box.error().message()}});
        return fail(Errc::unavailable, "The server has no place for mail of this environment");
    }
    if (box->nearly_full())
        return fail(Errc::unavailable, "The server's disk is nearly full: delete captured mail");
    auto incoming = box->begin();
    if (!incoming) {
        log::error("captured mail cannot be written", {{"reason", incoming.error().message()}});
        return fail(Errc::unavailable, "The server could not keep it; its log says why");
    }
    return std::unique_ptr<Delivery>(std::make_unique<Arriving>(*this, user, *std::move(incoming)));
}

/// Looks through the box only when it may hold too much: a list of ten thousand takes its time.
Result<> Boxes::count(const std::string& slug, std::uint64_t bytes) {
    FAIRLEAD_TRY(account, load_account(places_, slug));
    auto known = fills_.find(slug);
    if (known != fills_.end()) {
        ++known->second.messages;
        known->second.bytes += bytes;
        if (known->second.messages <= account.retention.messages &&
            known->second.bytes <= account.retention.bytes)
            return {};
    }
    FAIRLEAD_TRY(box, Box::open(places_.box(slug)));
    // A little more than has to go, so that the next messages find room.
    auto least = account.retention;
    if (known != fills_.end()) {
        least.messages -= least.messages / 50;
        least.bytes -= least.bytes / 50;
    }
    FAIRLEAD_CHECK(box.sweep(least, clock_.now()));
    FAIRLEAD_TRY(all, box.list());
    Fill fill;
    fill.messages = all.size();
    for (const auto& one : all) fill.bytes += one.bytes + head_bytes;
    fills_[slug] = fill;
    return {};
}

void Boxes::sweep() {
    for (const auto& slug : account_names(places_)) {
        auto swept = [&]() -> Result<Removed> {
            FAIRLEAD_TRY(account, load_account(places_, slug));
            FAIRLEAD_TRY(box, Box::open(places_.box(slug)));
            return box.sweep(account.retention, clock_.now());
        }();
        fills_.erase(slug);
        if (!swept)
            log::error(
                "captured mail could not be cleared up",
                {{"environment", slug}, {"reason", swept.error().message()}}
            );
        else if (swept->messages > 0)
            log::info(
                "captured mail has reached its age, or was too much",
                {{"environment", slug}, {"messages", swept->messages}, {"bytes", swept->bytes}}
            );
    }
}

} // namespace fairlead::mail
