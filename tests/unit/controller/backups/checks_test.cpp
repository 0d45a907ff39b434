#include "controller/backups/checks.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::backups;

namespace {

/// The fields that are wrong, and "" where all is well.
std::string blamed(const api::Checks& checks) {
    auto result = checks.result();
    std::string names;
    if (!result)
        for (const auto& field : result.error().fields()) names += field.field + " ";
    return names;
}

Storage bucket(Provider provider) {
    Storage row;
    row.provider = provider;
    row.bucket = "odoo-backups";
    row.access_key = "AKIA1";
    return row;
}

std::string fit(Storage& row, StorageWishes wishes = {}, bool fresh = true) {
    api::Checks checks;
    complete(checks, row, wishes, fresh);
    return blamed(checks);
}

} // namespace

TEST_SUITE("controller/backups/checks") {

    TEST_CASE("aws is found by its region") {
        auto row = bucket(Provider::aws);
        CHECK(fit(row) == "region ");
        CHECK(fit(row, {{}, {}, "eu-central-1", {}}) == "");
        CHECK(row.endpoint == "https://s3.eu-central-1.amazonaws.com");
        CHECK(row.addressing == proto::Addressing::virtual_host);
        // Another region has another endpoint; one that was given stays.
        CHECK(fit(row, {{}, {}, "cn-north-1", {}}, false) == "");
        CHECK(row.endpoint == "https://s3.cn-north-1.amazonaws.com.cn");
        CHECK(
            fit(row, {{}, "https://s3.dualstack.eu-west-1.amazonaws.com/", "eu-west-1", {}},
                false) == ""
        );
        CHECK(row.endpoint == "https://s3.dualstack.eu-west-1.amazonaws.com");
        CHECK(fit(row, {{}, "https://evil.example.org", {}, {}}, false) == "endpoint ");
        auto dotted = bucket(Provider::aws);
        dotted.bucket = "odoo.backups";
        CHECK(fit(dotted, {{}, {}, "eu-central-1", {}}) == "");
        CHECK(dotted.addressing == proto::Addressing::path);
        CHECK(fit(dotted, {{}, {}, {}, proto::Addressing::virtual_host}, false) == "addressing ");
    }

    TEST_CASE("r2 has the region auto, and an endpoint for each account") {
        std::string account = "0123456789abcdef0123456789abcdef";
        auto row = bucket(Provider::r2);
        CHECK(fit(row) == "account_id ");
        CHECK(fit(row, {account, {}, {}, {}}) == "");
        CHECK(row.endpoint == "https://" + account + ".r2.cloudflarestorage.com");
        CHECK(row.region == "auto");
        CHECK(row.addressing == proto::Addressing::path);
        CHECK(fit(row, {{}, {}, "eu-central-1", {}}) != "");
        CHECK(fit(row, {"ABC", {}, {}, {}}) == "account_id ");
        CHECK(fit(row, {{}, "https://" + account + ".eu.r2.cloudflarestorage.com", {}, {}}) == "");
        CHECK(fit(row, {{}, "https://r2.example.org", {}, {}}) == "endpoint ");
        CHECK(fit(row, {account, "https://else.r2.cloudflarestorage.com", {}, {}}) == "endpoint ");
        row.object_lock = proto::ObjectLock::governance;
        row.object_lock_days = 1;
        CHECK(fit(row, {account, {}, {}, {}}) == "object_lock ");
    }

    TEST_CASE("b2 is found by its region, or tells it by its endpoint") {
        auto row = bucket(Provider::b2);
        CHECK(fit(row) == "region ");
        CHECK(fit(row, {{}, {}, "eu-central-003", {}}) == "");
        CHECK(row.endpoint == "https://s3.eu-central-003.backblazeb2.com");
        auto other = bucket(Provider::b2);
        CHECK(fit(other, {{}, "https://s3.us-west-004.backblazeb2.com", {}, {}}) == "");
        CHECK(other.region == "us-west-004");
        CHECK(
            fit(other, {{}, "https://s3.us-west-004.backblazeb2.com", "eu-central-003", {}}) ==
            "region "
        );
        CHECK(fit(other, {{}, "https://s3.example.org", {}, {}}) == "endpoint ");
    }

    TEST_CASE("the others are where their endpoint says: https and a host, nothing else") {
        auto row = bucket(Provider::minio);
        CHECK(fit(row) == "endpoint ");
        CHECK(fit(row, {{}, "https://MinIO.example.org:9000/", {}, {}}) == "");
        CHECK(row.endpoint == "https://minio.example.org:9000");
        CHECK(row.region == "us-east-1");
        CHECK(row.addressing == proto::Addressing::path);
        CHECK(fit(row, {{}, "https://127.0.0.1:9000", {}, {}}) == "");
        for (const auto* bad :
             {"http://minio.example.org", "https://", "https://a/b", "https://a?b", "https://a#b",
              "https://user@host", "https://u:p@host", "https://host:0", "https://host:70000",
              "https://host:", "https://ho st", "ftp://host", "https://[::1]"}) {
            CAPTURE(bad);
            auto refused = bucket(Provider::other);
            CHECK(fit(refused, {{}, bad, {}, {}}) == "endpoint ");
        }
        CHECK(fit(row, {"0123456789abcdef0123456789abcdef", {}, {}, {}}, false) == "account_id ");
    }

    TEST_CASE("buckets, prefixes, keys, certificates and locks have their shapes") {
        auto with = [](auto change) {
            auto row = bucket(Provider::other);
            change(row);
            return fit(row, {{}, "https://s3.example.org", {}, {}});
        };
        for (const auto* bad : {"", "ab", "Odoo", "a..b", "-ab", "ab-", "a.-b", "a_b", "a/b"}) {
            CAPTURE(bad);
            CHECK(with([&](auto& row) { row.bucket = bad; }) == "bucket ");
        }
        CHECK(with([](auto& row) { row.bucket = std::string(64, 'a'); }) == "bucket ");
        for (const auto* bad : {"/a", "a/", "a//b", ".", "..", "a/../b", "a b", "ü"}) {
            CAPTURE(bad);
            CHECK(with([&](auto& row) { row.prefix = bad; }) == "prefix ");
        }
        CHECK(with([](auto& row) { row.prefix = "odoo/backups.v1"; }) == "");
        CHECK(with([](auto& row) { row.access_key = "a b"; }) == "access_key ");
        CHECK(with([](auto& row) { row.ca = "nonsense"; }) == "ca ");
        CHECK(with([](auto& row) {
                  row.ca = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----";
              }) == "ca ");
        CHECK(with([](auto& row) { row.object_lock_days = 5; }) == "object_lock_days ");
        CHECK(with([](auto& row) {
                  row.object_lock = proto::ObjectLock::compliance;
              }) == "object_lock_days ");
    }

    TEST_CASE("schedules are cron's five fields") {
        auto fine = [](std::string_view text) {
            api::Checks checks;
            check_schedule(checks, "schedule", text);
            return blamed(checks).empty();
        };
        for (const auto* good :
             {"", "30 2 * * *", "*/15 * * * *", "0 0,12 1-7/2 1 0", "59 23 31 12 7", "0  4 * * 1-5",
              "0 5 * * sun", "@daily"})
            CHECK_MESSAGE(fine(good), good);
        for (const auto* bad :
             {"* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
              "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *", ", * * * *", "1,, * * * *",
              "1- * * * *", "@never", "0 0 31 2 *", "99999999999 * * * *", "-1 * * * *",
              "*/ * * * *"})
            CHECK_MESSAGE(!fine(bad), bad);
        CHECK(!fine("0 " + std::string(200, '0') + " * * *"));
    }

    TEST_CASE("time zones have names") {
        auto fine = [](std::string_view text) {
            api::Checks checks;
            check_time_zone(checks, "time_zone", text);
            return blamed(checks).empty();
        };
        for (const auto* good : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"})
            CHECK_MESSAGE(fine(good), good);
        for (const auto* bad :
             {"", "../etc/passwd", "/etc/passwd", "Europe/", "Europe", "Mars/Olympus", "a b"})
            CHECK_MESSAGE(!fine(bad), bad);
    }

    TEST_CASE("recipients are Bech32 over 32 bytes; one wrong letter is told, and a secret half too"
    ) {
        std::string good = "age1glddcck3tfjd7qw9y0dgsj8fpadqyuqcvraua7jgpq456rzx4g5qmgg48a";
        auto found = [&](std::vector<Recipient> list) {
            api::Checks checks;
            check_recipients(checks, "r", list);
            return blamed(checks);
        };
        CHECK(found({{"Safe", good}}) == "");
        for (std::size_t i = 0; i < good.size(); ++i) {
            auto bad = good;
            bad[i] = bad[i] == 'q' ? 'p' : 'q';
            CHECK(found({{"Safe", bad}}) == "r[0].recipient ");
        }
        CHECK(found({{"Safe", good.substr(0, 61)}}) == "r[0].recipient ");
        CHECK(found({{"Safe", good + "q"}}) == "r[0].recipient ");
        CHECK(found({{"Safe", good}, {"Twice", good}}) == "r[1].recipient ");
        CHECK(found({{"", good}}) == "r[0].name ");
        CHECK(found({{"Safe", "AGE-SECRET-KEY-1QQQ"}}) == "r[0].recipient ");
        CHECK(found(std::vector<Recipient>(6, {"Safe", good})).starts_with("r "));
    }

    TEST_CASE("no rule of retention asks for more than a thousand") {
        api::Checks checks;
        proto::Retention retention;
        retention.last = 1001;
        retention.yearly = 1000;
        check_retention(checks, "retention", retention);
        CHECK(blamed(checks) == "retention.last ");
    }
}
