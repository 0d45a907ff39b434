/// What tests of a worker's tasks share.
#pragma once

#include "../bucket/fake_s3.hpp"
#include "agent/backup/worker_parts.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <utility>
#include <vector>

namespace fairlead::backup {

/// An empty bucket, and a worker for the job, whose one recipient and identity are the same key.
struct BucketSite {
    BucketSite() {
        bucket::Options options;
        options.pause = &pause;
        auto opened =
            bucket::Bucket::open(server.storage(), {"key", Secret("secret"), Secret()}, options);
        REQUIRE(opened);
        bucket = *std::move(opened);
        job.recipients = {identity.recipient().str()};
    }

    Worker worker() {
        std::vector<crypto::Identity> identities;
        identities.push_back(identity.clone());
        return Worker{job, *bucket, say, clock, {identity.recipient()}, std::move(identities)};
    }

    store::TemporaryFolder folder;
    crypto::Identity identity = crypto::Identity::generate();
    bucket::FakeS3 server;
    bucket::FakePause pause;
    FakeClock clock;
    Reporter say;
    Job job;
    std::unique_ptr<bucket::Bucket> bucket;
};

} // namespace fairlead::backup
