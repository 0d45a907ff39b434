/// A controller's core with its real guard, and people in organizations.
#pragma once

#include "../world/world.hpp"
#include "controller/access/guard.hpp"
#include "controller/audit/notary.hpp"
#include "controller/audit/routes.hpp"
#include "controller/members/routes.hpp"
#include "controller/orgs/orgs.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::test {

struct Person {
    UserId id;
    std::string email;
    std::string cookie;
    std::string address = "192.0.2.1";
};

/// Ann owns `org` (plan agency); Zoe owns `other`.
class Office : public World {
public:
    Office();

    /// Somebody with a proven address and a session.
    Person person(const std::string& email, access::Proof proof = {});
    void
    join(const Person& who, const api::OrgScope& where, std::string_view role, bool owner = false);
    /// A person who is a member of `org`.
    Person member(const std::string& email, std::string_view role);
    /// A role of `org`'s own; its id.
    std::string role(const std::string& name, const std::vector<std::string>& codes);

    Reply
    as(const Person& who, std::string_view method, std::string path,
       boost::json::value body = nullptr,
       std::vector<std::pair<std::string, std::string>> headers = {});
    /// Below /api/v1/orgs/{org}.
    Reply
    in(const Person& who, std::string_view method, std::string below,
       boost::json::value body = nullptr,
       std::vector<std::pair<std::string, std::string>> headers = {});
    std::string path(const Person& who, std::string_view below = "") const {
        return "/members/" + who.id.str() + std::string(below);
    }
    void set_plan(orgs::Plan plan);
    std::string project(const std::string& name);
    std::string environment(const std::string& project, const ServerId& server);
    /// "member.role by ann@example.org", oldest first.
    std::vector<std::string> acts();
    std::vector<std::string> ended() const { return stream_ends.bonds; }

    /// Passes on what is published, and remembers which streams were ended.
    struct StreamEnds final : api::EventSink {
        explicit StreamEnds(RecordingEvents& into) : to(into) {}
        void publish(api::Event event) override { to.publish(std::move(event)); }
        std::uint64_t position() const override { return to.position(); }
        bool can_resume(std::uint64_t id) const override { return to.can_resume(id); }
        void end_streams(std::string bond) override { bonds.push_back(std::move(bond)); }
        RecordingEvents& to;
        std::vector<std::string> bonds;
    };

    StreamEnds stream_ends{events};
    access::Sessions sessions;
    access::PasswordHasher hasher{crypto::PasswordCost{1, 8192}};
    access::RateLimiter rates{access::Rates{100'000, 100'000}};
    audit::Notary notary;
    access::ConnectTokens connect_tokens;
    access::ConnectVisits connect_visits;
    access::Guard real_guard;
    audit::RouteParts audit_parts;
    orgs::RouteParts org_parts;
    members::Parts parts;
    std::vector<members::InvitationLetter> mailed;
    std::vector<std::string> hooks; ///< "left usr_…", "connect_as_off"
    Person ann, zoe;
};

} // namespace fairlead::test
