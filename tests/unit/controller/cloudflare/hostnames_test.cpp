#include "common/store/memory_db.hpp"
#include "controller/audit/log.hpp"
#include "controller/audit/schema.hpp"
#include "controller/cloudflare/hostnames.hpp"
#include "controller/cloudflare/schema.hpp"
#include "controller/cloudflare/view.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace fairlead;
using namespace fairlead::cloudflare;
using namespace std::chrono_literals;

namespace {

struct KeptEvents final : api::EventSink {
    void publish(api::Event event) override { types.push_back(event.type); }
    std::uint64_t position() const override { return 0; }
    bool can_resume(std::uint64_t) const override { return false; }
    void end_streams(std::string) override {}
    std::vector<std::string> types;
};

/// A zone in memory, which answers as Cloudflare documents it.
struct PlayedZone {
    struct Entry {
        std::string name, status = "pending", ssl = "pending_validation";
        Timestamp created;
    };
    explicit PlayedZone(const Clock& at) : clock(at) {}

    static outbound::Answer say(int status, boost::json::value result) {
        return {
            status,
            {},
            boost::json::serialize(boost::json::object{
                {"success", true}, {"errors", boost::json::array()}, {"result", std::move(result)}}
            )};
    }
    static outbound::Answer refuse(int status, int code) {
        return {
            status,
            {},
            boost::json::serialize(boost::json::object{
                {"success", false},
                {"errors", {{{"code", code}, {"message", "refused"}}}},
                {"result", nullptr}})};
    }
    boost::json::object show(const std::string& id) const {
        const auto& one = entries.at(id);
        return {
            {"id", id},
            {"hostname", one.name},
            {"status", one.status},
            {"ssl", {{"status", one.ssl}}},
            {"created_at", to_rfc3339(one.created)}};
    }
    std::string put(const std::string& name, std::optional<Timestamp> at = {}) {
        auto id = "id" + std::to_string(++made);
        Entry fresh;
        fresh.name = name;
        fresh.created = at.value_or(clock.now());
        if (born_active) fresh.status = fresh.ssl = "active";
        entries[id] = fresh;
        return id;
    }

    Result<outbound::Answer> operator()(const outbound::Request& request) {
        auto path = request.url.substr(request.url.find("/zones/"));
        asked.push_back(request.method + " " + path);
        if (fails) return fail(*fails);
        if (refusal) return *refusal;
        auto id = path.substr(path.rfind('/') + 1);
        if (request.method == "POST") {
            auto name = boost::json::parse(request.body).at("hostname").as_string();
            for (const auto& [known, one] : entries)
                if (one.name == std::string_view(name)) return refuse(409, 1406);
            auto fresh = put(std::string(name));
            if (cut) return fail(Error(Errc::unavailable, "Cut.").with_code("outbound_cut"));
            return say(201, show(fresh));
        }
        if (request.method == "GET" && id.starts_with("custom_hostnames?")) {
            auto name = id.substr(id.find('=') + 1);
            name.resize(name.find('&'));
            boost::json::array found;
            for (const auto& [known, one] : entries)
                if (one.name == name) found.push_back(show(known));
            return say(200, found);
        }
        if (!entries.contains(id)) return refuse(404, 1436);
        if (request.method == "DELETE") {
            entries.erase(id);
            return outbound::Answer{200, {}, "{\"id\":\"x\"}"};
        }
        if (request.method == "PATCH") entries[id].ssl = "pending_validation";
        return say(200, show(id));
    }

    const Clock& clock;
    std::map<std::string, Entry> entries;
    std::vector<std::string> asked;
    std::optional<Error> fails;
    std::optional<outbound::Answer> refusal;
    bool cut = false; ///< answers to POST do not arrive
    bool born_active = false;
    int made = 0;
};

struct World {
    World() { start(); }

    /// As after a crash: nothing but the store is left.
    void start() {
        hostnames.reset();
        hostnames = std::make_unique<Hostnames>(Hostnames::Parts{
            store.store(),
            events,
            log,
            clock,
            [this](store::Connection&) -> Result<Hostnames::Names> { return routed; },
            {"fairlead.example"},
            configured ? &api : nullptr,
            configured ? std::optional(Zone{zone_id, "edge.example.net"}) : std::nullopt,
            [] { return 0.5; }});
    }
    /// Everything there is to do within the next seconds.
    void settle() {
        REQUIRE(hostnames->sync());
        for (int i = 0; i < 2000; ++i) {
            auto did = hostnames->step({});
            REQUIRE_MESSAGE(did, did.error().message());
            clock.advance(Hostnames::least_gap);
            if (!*did) return;
        }
        FAIL("it never ends");
    }
    Hostname row(const std::string& name) {
        for (const auto& of : {org, other})
            for (auto& one : list(of))
                if (one.name == name) return one;
        FAIL("no row of " << name);
        return {};
    }
    std::vector<Hostname> list(const api::OrgScope& of) {
        return store
            ->read([&](store::Connection& db) { return HostnameRepo(db, of).list("", 1000); })
            .value();
    }
    std::int64_t held() {
        return store->read([](store::Connection& db) { return held_in_all(db); }).value();
    }
    std::vector<std::string> audited() {
        return store
            ->read([&](store::Connection& db) {
                return db.all<std::string>(
                    "SELECT action FROM audit_entry WHERE org_id = $1 ORDER BY seq", org.org()
                );
            })
            .value();
    }
    PlayedZone::Entry& only() {
        REQUIRE(zone.entries.size() == 1);
        return zone.entries.begin()->second;
    }

    std::vector<store::Migration> steps{
        {1, "audit", audit::first_tables}, {2, "cloudflare", cloudflare::first_tables}};
    FakeClock clock;
    store::TemporaryStore store{steps};
    audit::Log log{clock};
    KeptEvents events;
    PlayedZone zone{clock};
    ZoneApi api{"https://api.example", Secret("token"), [this](const outbound::Request& request) {
                    return zone(request);
                }};
    bool configured = true;
    std::string zone_id = "z1";
    api::OrgScope org = api::ScopeIssuer::scope(OrgId::make(clock.now()));
    api::OrgScope other = api::ScopeIssuer::scope(OrgId::make(clock.now()));
    Hostnames::Names routed;
    std::unique_ptr<Hostnames> hostnames;
};

} // namespace

TEST_SUITE("controller/cloudflare/hostnames") {

    TEST_CASE_FIXTURE(World, "a name is made, followed until it is active, and taken out again") {
        routed = {{"shop.example.org", org.org()}, {"fairlead.example", org.org()}};
        settle();
        CHECK(only().name == "shop.example.org");
        CHECK(row("shop.example.org").state == State::waiting);
        CHECK(row("shop.example.org").remote_id == "id1");
        CHECK(row("shop.example.org").next_ms > clock.now());

        only().status = only().ssl = "active";
        settle();
        CHECK(row("shop.example.org").state == State::waiting); // not before its time
        clock.advance(20s);
        settle();
        CHECK(row("shop.example.org").state == State::issued);
        auto shown = to_json(row("shop.example.org"), hostnames->target(), hostnames->pause());
        CHECK(shown.at("served_by") == "Cloudflare");
        CHECK(shown.at("cname_target") == "edge.example.net");
        CHECK(shown.at("error").is_null());

        routed.clear();
        settle();
        CHECK(zone.entries.empty());
        CHECK(list(org).empty());
        CHECK(held() == 0);
        CHECK(
            audited() == std::vector<std::string>{"custom_hostname.issue", "custom_hostname.remove"}
        );
        CHECK(events.types.back() == "custom_hostname.deleted");
    }

    TEST_CASE_FIXTURE(World, "a name that the zone has of somebody else is never touched") {
        auto theirs = zone.put("shop.example.org");
        routed = {{"shop.example.org", org.org()}};
        settle();
        CHECK(row("shop.example.org").state == State::failed);
        CHECK(row("shop.example.org").error_code == "cloudflare_taken");
        CHECK(row("shop.example.org").remote_id == "");
        routed.clear();
        settle();
        CHECK(zone.entries.contains(theirs));
        CHECK(std::ranges::none_of(zone.asked, [](const auto& one) {
            return one.starts_with("DELETE") || one.starts_with("PATCH") || one.starts_with("POST");
        }));
        // Once they have taken it out, it is had.
        routed = {{"shop.example.org", org.org()}};
        settle();
        zone.entries.clear();
        clock.advance(6min);
        settle();
        CHECK(row("shop.example.org").remote_id == "id2");
    }

    TEST_CASE_FIXTURE(
        World, "what was made although its answer was lost is found again, also after a crash"
    ) {
        zone.cut = true;
        routed = {{"shop.example.org", org.org()}};
        settle();
        CHECK(row("shop.example.org").remote_id == "");
        CHECK(row("shop.example.org").asked_ms);
        CHECK(hostnames->pause()->code == "cloudflare_unreachable");
        zone.cut = false;
        start();
        settle();
        CHECK(row("shop.example.org").remote_id == "id1");
        CHECK(!row("shop.example.org").asked_ms);
        CHECK(zone.made == 1);
    }

    TEST_CASE_FIXTURE(
        World, "one that was made long before our lost request is not taken for ours"
    ) {
        zone.cut = true;
        routed = {{"shop.example.org", org.org()}};
        settle();
        zone.cut = false;
        zone.entries.clear();
        auto theirs = zone.put("shop.example.org", clock.now() - 1h);
        start();
        settle();
        CHECK(row("shop.example.org").error_code == "cloudflare_taken");
        routed.clear();
        settle();
        CHECK(zone.entries.contains(theirs));
        CHECK(held() == 0);
    }

    TEST_CASE_FIXTURE(World, "a lost request is looked for before a name that went is forgotten") {
        zone.cut = true;
        routed = {{"shop.example.org", org.org()}};
        settle();
        zone.cut = false;
        routed.clear();
        start();
        settle();
        CHECK(zone.entries.empty());
        CHECK(held() == 0);
    }

    TEST_CASE_FIXTURE(World, "names of an erased organization still leave the zone") {
        routed = {{"shop.example.org", org.org()}, {"else.example.org", other.org()}};
        settle();
        REQUIRE(zone.entries.size() == 2);
        REQUIRE(store->write([&](store::UnitOfWork& unit) { return erase(unit.db(), org); }));
        routed.erase("shop.example.org");
        start();
        settle();
        CHECK(only().name == "else.example.org");
        CHECK(list(org).empty());
    }

    TEST_CASE_FIXTURE(
        World, "a name that moves to another organization leaves the zone before it comes back"
    ) {
        routed = {{"shop.example.org", org.org()}};
        settle();
        routed = {{"shop.example.org", other.org()}};
        settle();
        settle();
        CHECK(list(org).empty());
        CHECK(row("shop.example.org").remote_id == "id2");
        CHECK(only().name == "shop.example.org");
    }

    TEST_CASE_FIXTURE(World, "a token that is not taken stops all of them, and says so at each") {
        zone.refusal = PlayedZone::refuse(403, 10000);
        routed = {{"a.example.org", org.org()}, {"b.example.org", org.org()}};
        settle();
        CHECK(zone.asked.size() == 1);
        auto shown = to_json(row("b.example.org"), hostnames->target(), hostnames->pause());
        CHECK(shown.at("state") == "waiting");
        CHECK(shown.at("error").at("code") == "cloudflare_token");
        zone.refusal.reset();
        clock.advance(31s);
        settle();
        CHECK(zone.entries.size() == 2);
        CHECK(!hostnames->pause());
    }

    TEST_CASE_FIXTURE(World, "Cloudflare's limit is kept for as long as it says") {
        zone.refusal = outbound::Answer{429, {{"retry-after", "90"}}, ""};
        routed = {{"shop.example.org", org.org()}};
        settle();
        zone.refusal.reset();
        clock.advance(80s);
        settle();
        CHECK(zone.asked.size() == 1);
        clock.advance(10s);
        settle();
        CHECK(zone.entries.size() == 1);
    }

    TEST_CASE_FIXTURE(World, "requests keep a distance, and each organization has its turn") {
        for (int i = 0; i < 20; ++i)
            routed.emplace("n" + std::to_string(i) + ".example.org", org.org());
        routed.emplace("lone.example.org", other.org());
        REQUIRE(hostnames->sync());
        REQUIRE(*hostnames->step({}));
        CHECK(!*hostnames->step({}));
        clock.advance(Hostnames::least_gap);
        REQUIRE(*hostnames->step({}));
        auto names = std::vector<std::string>{};
        for (const auto& [id, one] : zone.entries) names.push_back(one.name);
        CHECK(std::ranges::find(names, "lone.example.org") != names.end());
    }

    TEST_CASE_FIXTURE(World, "an organization has so many names in the zone and no more") {
        zone.born_active = true;
        for (std::int64_t i = 0; i < Hostnames::most_of_org; ++i)
            routed.emplace("n" + std::to_string(i) + ".example.org", org.org());
        settle();
        routed.emplace("one-more.example.org", org.org());
        settle();
        CHECK(row("one-more.example.org").error_code == "cloudflare_too_many");
        CHECK(zone.entries.size() == Hostnames::most_of_org);
        routed.erase("n0.example.org");
        settle();
        clock.advance(10min);
        settle();
        CHECK(row("one-more.example.org").remote_id != "");
    }

    TEST_CASE_FIXTURE(
        World, "a validation that timed out is told, and begun anew at the next look"
    ) {
        routed = {{"shop.example.org", org.org()}};
        settle();
        only().ssl = "validation_timed_out";
        clock.advance(20s);
        settle();
        CHECK(row("shop.example.org").error_code == "cloudflare_validation");
        CHECK(zone.asked.back().starts_with("GET"));
        clock.advance(6min);
        settle();
        CHECK(zone.asked.back().starts_with("PATCH"));
        CHECK(row("shop.example.org").state == State::waiting);
    }

    TEST_CASE_FIXTURE(World, "one that somebody took out of the zone is put there anew") {
        routed = {{"shop.example.org", org.org()}};
        settle();
        zone.entries.clear();
        clock.advance(20s);
        settle();
        CHECK(row("shop.example.org").remote_id == "id2");
    }

    TEST_CASE_FIXTURE(World, "another zone in the configuration moves the names there") {
        routed = {{"shop.example.org", org.org()}};
        settle();
        zone_id = "z2";
        start();
        settle();
        settle();
        CHECK(row("shop.example.org").zone == "z2");
        CHECK(std::ranges::count(zone.asked, "DELETE /zones/z1/custom_hostnames/id1") == 1);
    }

    TEST_CASE_FIXTURE(World, "without a zone nothing is asked, and what was put there stays") {
        routed = {{"shop.example.org", org.org()}};
        settle();
        auto asked = zone.asked.size();
        configured = false;
        routed.clear();
        start();
        settle();
        CHECK(zone.asked.size() == asked);
        CHECK(hostnames->pause()->code == "cloudflare_not_configured");
        CHECK(held() == 1);
    }
}
