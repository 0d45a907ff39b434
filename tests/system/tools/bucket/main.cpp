// The agent's S3 client by hand, for tests against real servers. Arguments: the storage as JSON, a
// command, its arguments. Keys come in the environment: BUCKET_SECRET, BUCKET_TOKEN. Prints one
// line of JSON; status 1 with {"code","message","detail"} on errors. SIGTERM stops it.
#include "agent/bucket/storage_test.hpp"
#include "agent/bucket/upload.hpp"
#include "common/crypto/random.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

using namespace fairlead;
using namespace fairlead::bucket;
using boost::json::array;
using boost::json::object;
using boost::json::value;

namespace {

/// A file, or standard output for "-".
class FileSink final : public Sink {
public:
    explicit FileSink(const std::string& path)
        : file_(path == "-" ? ::dup(1) : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600)) {
    }
    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override {
        hash.add({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        while (!bytes.empty()) {
            auto count = ::write(file_.get(), bytes.data(), bytes.size());
            if (count <= 0) return fail(Errc::internal, "The file cannot be written.");
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
        return {};
    }
    Result<> finish() override { return {}; }
    crypto::Sha256 hash;

private:
    Descriptor file_;
};

/// The clock of a server that is set wrong.
class OffsetClock final : public Clock {
public:
    Timestamp now() const override { return SystemClock().now() + by; }
    std::chrono::seconds by{0};
};

long peak_kib() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

Result<value> upload(Bucket& bucket, const std::vector<std::string>& args) {
    UploadOptions options;
    if (args.size() > 2) options.expected_bytes = std::stoull(args[2]);
    Upload out(bucket, args.at(0), options);
    Descriptor in(args.at(1) == "-" ? ::dup(0) : ::open(args.at(1).c_str(), O_RDONLY));
    std::vector<char> piece(128 * 1024);
    for (;;) {
        auto count = ::read(in.get(), piece.data(), piece.size());
        if (count < 0) return fail(Errc::internal, "The file cannot be read.");
        if (count == 0) break;
        FAIRLEAD_CHECK(out.write(std::string_view(piece.data(), static_cast<std::size_t>(count))));
    }
    FAIRLEAD_CHECK(out.finish());
    return value(object{
        {"bytes", out.bytes()},
        {"sha256", out.sha256().hex()},
        {"buffers", out.buffers()},
        {"part", out.cut().part},
        {"peak_kib", peak_kib()}});
}

Result<value> get(Bucket& bucket, const std::vector<std::string>& args) {
    Range range;
    if (args.size() > 2) range.offset = std::stoull(args[2]);
    if (args.size() > 3) range.length = std::stoull(args[3]);
    FileSink out(args.at(1));
    FAIRLEAD_TRY(bytes, bucket.get(args.at(0), out, range));
    return value(object{
        {"bytes", bytes}, {"sha256", out.hash.finish().hex()}, {"peak_kib", peak_kib()}});
}

Result<value> run(Bucket& bucket, const std::string& command, std::vector<std::string> args) {
    if (command == "put") {
        FAIRLEAD_CHECK(bucket.put(args.at(0), args.at(1)));
        return value(object{});
    }
    if (command == "get") return get(bucket, args);
    if (command == "upload") return upload(bucket, args);
    if (command == "head") {
        FAIRLEAD_TRY(seen, bucket.head(args.at(0)));
        return value(object{{"bytes", seen.bytes}, {"etag", seen.etag}});
    }
    if (command == "list") {
        array all;
        FAIRLEAD_CHECK(bucket.list(args.at(0), [&](const Object& one) -> Result<> {
            all.push_back(object{{"key", one.key}, {"bytes", one.bytes}});
            return {};
        }));
        return value(std::move(all));
    }
    if (command == "remove") {
        FAIRLEAD_CHECK(bucket.remove(std::span<const std::string>(args)));
        return value(object{});
    }
    if (command == "begin") {
        FAIRLEAD_TRY(id, bucket.begin_upload(args.at(0)));
        return value(object{{"id", id}});
    }
    if (command == "abort") {
        FAIRLEAD_CHECK(bucket.abort_upload(args.at(0), args.at(1)));
        return value(object{});
    }
    if (command == "uploads") {
        array all;
        FAIRLEAD_CHECK(bucket.list_uploads(args.at(0), [&](const Unfinished& one) -> Result<> {
            all.push_back(object{{"key", one.key}, {"id", one.id}});
            return {};
        }));
        return value(std::move(all));
    }
    if (command == "test")
        return value(object{
            {"checks", json::to_value(test_storage(bucket))},
            {"offset_s", bucket.clock_offset().count()}});
    return fail(Errc::invalid, "There is no command " + command + ".");
}

Secret from_environment(const char* name) {
    const char* text = std::getenv(name);
    return Secret(text ? text : "");
}

Result<value> from_arguments(int argc, char** argv, const std::stop_token& stop) {
    FAIRLEAD_TRY(document, json::parse(argv[1]));
    json::Reader reader(json::Strictness::lenient);
    proto::Storage storage;
    reader.read(document, storage);
    Access access{
        storage.access_key, from_environment("BUCKET_SECRET"), from_environment("BUCKET_TOKEN")};
    Options options;
    options.plain = Plain::loopback;
    options.stop = stop;
    if (const char* tries = std::getenv("BUCKET_TRIES"))
        options.retries.tries = static_cast<unsigned>(std::stoul(tries));
    OffsetClock clock;
    if (const char* off = std::getenv("BUCKET_CLOCK_S")) {
        clock.by = std::chrono::seconds(std::stol(off));
        options.clock = &clock;
    }
    if (const char* idle = std::getenv("BUCKET_IDLE_MS"))
        options.patience.idle = std::chrono::milliseconds(std::stoul(idle));
    FAIRLEAD_TRY(bucket, Bucket::open(std::move(storage), std::move(access), std::move(options)));
    return run(*bucket, argv[2], {argv + 3, argv + argc});
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    crypto::start();
    if (argc < 3) {
        std::fprintf(stderr, "usage: bucket-tool STORAGE COMMAND [ARGUMENT…]\n");
        return 2;
    }
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    std::stop_source stop;
    std::thread([ends, stop]() mutable {
        int which = 0;
        sigwait(&ends, &which);
        stop.request_stop();
    }).detach();

    auto done = from_arguments(argc, argv, stop.get_token());
    auto text = done ? json::serialize(*done)
                     : json::serialize(object{
                           {"code", done.error().code()},
                           {"message", done.error().message()},
                           {"detail", done.error().detail()}});
    std::puts(text.c_str());
    return done ? 0 : 1;
}
