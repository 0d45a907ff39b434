#include "common/runtime/file.hpp"
#include "stand.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <algorithm>

using namespace fairlead;
using namespace fairlead::edge;

namespace {

/// Each character of the file's texts is one byte.
std::string bytes_of(const boost::json::string& text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x80)
            bytes += static_cast<char>(c);
        else
            bytes += static_cast<char>((c & 3) << 6 | (text[++i] & 0x3f));
    }
    return bytes;
}

std::string request_of(const boost::json::object& row) {
    std::string all;
    for (const auto& piece : row.at("send").as_array()) {
        if (piece.is_string()) {
            all += bytes_of(piece.as_string());
            continue;
        }
        auto times = piece.at("times").to_number<int>();
        for (int i = 0; i < times; ++i) all += bytes_of(piece.at("repeat").as_string());
    }
    constexpr std::string_view place = "{host}";
    for (auto at = all.find(place); at != std::string::npos; at = all.find(place))
        all.replace(at, place.size(), "shop.example");
    return all;
}

} // namespace

TEST_SUITE("controller/edge/hostile") {

    TEST_CASE("a hostile request is answered with a refusal, and no site sees a whole request") {
        auto rows = boost::json::parse(read_file(FAIRLEAD_HOSTILE_REQUESTS, 1 << 20).value());
        CHECK(rows.as_array().size() >= 60);
        for (const auto& value : rows.as_array()) {
            const auto& row = value.as_object();
            std::string name(row.at("name").as_string());
            CAPTURE(name);
            std::string seen;
            auto site = [&](stream::Stream stream) -> Task<> {
                for (;;) {
                    auto bytes = co_await stream.read();
                    if (!bytes || bytes->empty()) co_return;
                    seen += *bytes;
                }
            };
            Stand stand(site);
            auto answer = stand.talk(request_of(row));
            CAPTURE(answer);
            bool right = std::ranges::any_of(row.at("status").as_array(), [&](const auto& status) {
                return answer.starts_with(
                    "HTTP/1.1 " + std::to_string(status.template to_number<int>()) + " "
                );
            });
            CHECK(right);
            CHECK(answer.find("\r\nconnection: close\r\n") != std::string::npos);
            CHECK(answer.find("\nHTTP/1.1 ") == std::string::npos); // one answer
            if (row.at("reaches").as_string() == "nothing") {
                CHECK(seen == "");
                CHECK(stand.opened.empty());
            } else {
                CHECK(seen.find("\r\n0\r\n\r\n") == std::string::npos);
            }
        }
    }
}
