#include "agent/executor/frame.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace fairlead::executor;

TEST_SUITE("agent/executor/frame") {

    TEST_CASE("frames come out whole however the bytes arrive") {
        std::mt19937 random(3);
        std::vector<std::string> bodies;
        std::string stream;
        for (int i = 0; i < 50; ++i) {
            bodies.emplace_back(1 + random() % 3000, static_cast<char>('a' + i % 26));
            stream += frame(bodies.back());
        }
        FrameReader reader;
        std::vector<std::string> got;
        for (std::size_t at = 0; at < stream.size();) {
            auto n = std::min<std::size_t>(1 + random() % 700, stream.size() - at);
            reader.add(std::string_view(stream).substr(at, n));
            at += n;
            for (;;) {
                auto body = reader.next();
                REQUIRE(body);
                if (!*body) break;
                got.push_back(**body);
            }
        }
        CHECK(got == bodies);
    }

    TEST_CASE("a length of zero or above the limit ends the stream") {
        for (const auto& header :
             {std::string("\0\0\0\0", 4), std::string("\xff\xff\xff\xff", 4),
              std::string("\0\x10\0\1", 4)}) {
            FrameReader reader;
            reader.add(header);
            CHECK_FALSE(reader.next());
        }
    }
}
