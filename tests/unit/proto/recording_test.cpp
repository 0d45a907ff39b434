#include "proto/codec.hpp"
#include "proto/recording.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::proto;

TEST_SUITE("proto/recording") {

    TEST_CASE("a recording is named by the id of a terminal, and the list by nothing") {
        RecordingPurpose purpose;
        CHECK(check(purpose));
        for (const auto* id : {"term_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "a", "Z_9"}) {
            CAPTURE(id);
            CHECK(is_recording_id(id));
            purpose.recording = id;
            CHECK(check(purpose));
        }
        for (const auto* id : {"..", "a/b", "a.cast", "a b", "term-1", "\xc3\xa4"}) {
            CAPTURE(id);
            CHECK_FALSE(is_recording_id(id));
            purpose.recording = id;
            CHECK_FALSE(check(purpose));
        }
        CHECK_FALSE(is_recording_id(""));
        CHECK(is_recording_id(std::string(64, 'a')));
        CHECK_FALSE(is_recording_id(std::string(65, 'a')));
    }

    TEST_CASE("a line of the list is a JSON object") {
        RecordingFacts facts;
        facts.id = "term_1";
        facts.user = "deploy";
        facts.columns = 80;
        facts.rows = 24;
        facts.began_ms = 1'790'000'000'000;
        facts.wrote_ms = 1'790'000'001'500;
        facts.bytes = 4'000'000'000;
        CHECK(
            write_text(facts) ==
            R"({"id":"term_1","user":"deploy","columns":80,"rows":24,"began_ms":1790000000000,)"
            R"("wrote_ms":1790000001500,"bytes":4000000000})"
        );
    }
}
