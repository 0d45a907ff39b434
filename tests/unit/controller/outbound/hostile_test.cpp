#include "../egress/support.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "controller/outbound/egress_way.hpp"
#include "controller/outbound/sender.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <netdb.h>

namespace fairlead::outbound {

using namespace std::chrono_literals;

namespace {

struct Hostile {
    std::string url, refused;
};

std::vector<Hostile> corpus() {
    auto text = read_file(FAIRLEAD_HOSTILE, 1 << 20).value();
    auto parsed = json::parse(text).value();
    std::vector<Hostile> rows;
    for (const auto& row : parsed.as_array())
        rows.push_back(
            {std::string(row.at("url").as_string()), std::string(row.at("refused").as_string())}
        );
    return rows;
}

/// As the system's resolver reads numbers; names lead inside.
Result<std::vector<IpAddress>> inside(const std::string& host) {
    addrinfo hints{}, *first = nullptr;
    hints.ai_flags = AI_NUMERICHOST;
    hints.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &first) != 0)
        return std::vector{IpAddress::parse("127.0.0.1").value()};
    auto address = IpAddress::of(*first->ai_addr).value();
    ::freeaddrinfo(first);
    return std::vector{address};
}

/// A way without rules: whatever gets here got through.
class OpenWay final : public Way {
public:
    explicit OpenWay(int& connections) : connections_(connections) {}
    Result<std::vector<IpAddress>> addresses(const std::string& host, Deadline) override {
        return inside(host);
    }
    Result<Descriptor>
    connect(const egress::Place& place, const std::optional<IpAddress>&, Deadline) override {
        ++connections_;
        return fail(Error(Errc::unavailable, place.text()).with_code("outbound_unreachable"));
    }

private:
    int& connections_;
};

Request to(const std::string& url) {
    Request request;
    request.url = url;
    request.limit = 2s;
    return request;
}

} // namespace

TEST_SUITE("controller/outbound/hostile") {

    TEST_CASE("[S-SSRF-04] every hostile address is refused by what it says") {
        auto rows = corpus();
        CHECK(rows.size() >= 150);
        int connections = 0;
        Sender sender(std::make_unique<OpenWay>(connections), {});
        for (const auto& row : rows) {
            CAPTURE(row.url);
            auto checked = sender.check(row.url);
            REQUIRE_FALSE(checked);
            CHECK(
                checked.error().code() ==
                (row.refused == "spelling" ? "url_invalid" : "url_refused")
            );
            CHECK_FALSE(sender.send(to(row.url)));
        }
        CHECK(connections == 0);
        CHECK(sender.check("https://hooks.example.com/services/T0/B0?x=%2Fy"));
        CHECK(sender.check("https://93.184.216.34/"));
        CHECK_FALSE(sender.check("https://hooks.example.com:8443/"));
    }

    TEST_CASE("[S-SSRF-05] and without that, by where it leads") {
        int connections = 0;
        Layers layers;
        layers.text = false;
        Sender sender(std::make_unique<OpenWay>(connections), {}, "", layers);
        for (const auto& row : corpus()) {
            CAPTURE(row.url);
            CHECK_FALSE(sender.send(to(row.url)));
        }
        CHECK(connections == 0);
    }

    TEST_CASE("[S-SSRF-09] [S-SSRF-10] and without both, by the egress program") {
        egress::Settings settings;
        settings.socket = egress::scratch_folder() + "/egress.sock";
        auto server = egress::Server::open(settings, ::geteuid(), &inside).value();
        Descriptor stop(::eventfd(0, EFD_CLOEXEC));
        std::thread thread([&] { server->run(stop.get()); });
        Layers layers;
        layers.text = layers.addresses = layers.redirects = layers.sizes = false;
        Sender sender(std::make_unique<EgressWay>(settings.socket), {}, "", layers);
        for (const auto& row : corpus()) {
            CAPTURE(row.url);
            auto sent = sender.send(to(row.url));
            REQUIRE_FALSE(sent);
            // Those that cannot be read even leniently never get as far.
            bool refused =
                sent.error().code() == "address_refused" || sent.error().kind() == Errc::invalid;
            CHECK(refused);
            if (row.refused == "place") CHECK(sent.error().code() == "address_refused");
        }
        std::uint64_t one = 1;
        CHECK(::write(stop.get(), &one, sizeof one) == static_cast<long>(sizeof one));
        thread.join();
        server.reset();
        std::filesystem::remove_all(std::filesystem::path(settings.socket).parent_path());
    }

    TEST_CASE("[S-SSRF-05] one bad answer among good ones spoils them, and a name is asked again "
              "each time") {
        class Changing final : public Way {
        public:
            explicit Changing(std::vector<std::string>& connected) : connected_(connected) {}
            Result<std::vector<IpAddress>> addresses(const std::string& host, Deadline) override {
                auto good = IpAddress::parse("93.184.216.34").value();
                auto bad = IpAddress::parse("10.0.0.1").value();
                if (host == "mixed.example") return std::vector{good, bad};
                return std::vector{asked_++ == 0 ? good : bad};
            }
            Result<Descriptor> connect(
                const egress::Place& place, const std::optional<IpAddress>& address, Deadline
            ) override {
                connected_.push_back(place.host + " " + (address ? address->text() : "?"));
                return fail(Error(Errc::unavailable, "no").with_code("outbound_unreachable"));
            }

        private:
            std::vector<std::string>& connected_;
            int asked_ = 0;
        };
        std::vector<std::string> connected;
        Sender sender(std::make_unique<Changing>(connected), {});
        CHECK(sender.send(to("https://mixed.example/")).error().code() == "address_refused");
        CHECK(connected.empty());
        // The address that was judged is the one that is connected to, though the name has another
        // by then.
        CHECK(
            sender.send(to("https://rebinding.example/")).error().code() == "outbound_unreachable"
        );
        CHECK(connected == std::vector<std::string>{"rebinding.example 93.184.216.34"});
        CHECK(sender.send(to("https://rebinding.example/")).error().code() == "address_refused");
    }

    TEST_CASE("without an egress nothing goes out, and the cure is named") {
        Sender none(std::make_unique<EgressWay>(""), {});
        auto sent = none.send(to("https://hooks.example.com/"));
        REQUIRE_FALSE(sent);
        CHECK(sent.error().code() == "egress_missing");
        CHECK(sent.error().message().find("controller.yaml") != std::string::npos);
        Sender down(std::make_unique<EgressWay>("/nonexistent/egress.sock"), {});
        sent = down.send(to("https://hooks.example.com/"));
        REQUIRE_FALSE(sent);
        CHECK(sent.error().code() == "egress_missing");
        CHECK(sent.error().message().find("systemctl") != std::string::npos);
    }
}

} // namespace fairlead::outbound
