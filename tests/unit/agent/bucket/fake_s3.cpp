#include "fake_s3.hpp"

#include "agent/bucket/xml.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/p256.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/x509.hpp"
#include "common/runtime/file.hpp"

#include <doctest/doctest.h>
#include <httplib.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

namespace fairlead::bucket {
namespace {

struct Certified {
    std::string ca;
    std::filesystem::path folder;
};

Certified certify() {
    crypto::start();
    auto now = SystemClock().now();
    crypto::Validity validity{now - std::chrono::hours(1), now + std::chrono::hours(24)};
    auto ca_key = crypto::P256Key::generate(), key = crypto::P256Key::generate();
    Certified made;
    made.ca = crypto::self_sign_ca(ca_key, "tests", validity);
    crypto::IssueRequest wanted;
    wanted.public_der = key.public_der();
    wanted.common_name = "fake s3";
    wanted.names.ip = {"127.0.0.1"};
    wanted.usage = crypto::Usage::server;
    wanted.validity = {validity.not_before, now + std::chrono::hours(23)};
    auto certificate = crypto::issue(ca_key, made.ca, wanted);
    REQUIRE(certificate);
    auto pattern = (std::filesystem::temp_directory_path() / "fake-s3-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()));
    made.folder = pattern;
    REQUIRE(key.save(made.folder / "key.pem"));
    REQUIRE(write_file(made.folder / "cert.pem", *certificate, 0600));
    return made;
}

std::string etag_of(const std::string& bytes) {
    return "\"" + crypto::hex_encode(crypto::md5(bytes)) + "\"";
}

Seen seen_of(const httplib::Request& request) {
    Seen seen;
    seen.method = request.method;
    seen.path = request.path;
    seen.bytes = request.body.size();
    for (const auto& [name, value] : request.params) seen.query[name] = value;
    for (const auto& [key, value] : request.headers) {
        auto name = key;
        for (auto& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        seen.headers[name] = value;
    }
    return seen;
}

} // namespace

std::string error_document(const std::string& code, const std::string& more) {
    return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>words</Message>" +
           more + "</Error>";
}

struct FakeS3::Server {
    explicit Server(FakeS3& owner)
        : self(owner), certified(certify()),
          http((certified.folder / "cert.pem").c_str(), (certified.folder / "key.pem").c_str()) {
        auto handler = [this](const httplib::Request& request, httplib::Response& response) {
            answer(request, response);
        };
        http.Get(".*", handler);
        http.Put(".*", handler);
        http.Post(".*", handler);
        http.Delete(".*", handler);
        http.set_tcp_nodelay(true);
        http.set_keep_alive_timeout(1);
        port = http.bind_to_any_port("127.0.0.1");
        thread = std::thread([this] { http.listen_after_bind(); });
        while (!http.is_running()) std::this_thread::yield();
    }
    ~Server() {
        stop();
        std::filesystem::remove_all(certified.folder);
    }
    void stop() {
        release();
        http.stop();
        if (thread.joinable()) thread.join();
    }
    void release() {
        std::lock_guard lock(mutex);
        released = true;
        changed.notify_all();
    }

    void answer(const httplib::Request& request, httplib::Response& response) {
        auto seen = seen_of(request);
        bool part = seen.method == "PUT" && seen.asks("partNumber");
        if (part) {
            auto now = ++parts_now;
            auto most = self.most_parts_.load();
            while (now > most && !self.most_parts_.compare_exchange_weak(most, now)) {
            }
        }
        {
            std::lock_guard lock(mutex);
            log.push_back(seen);
        }
        auto fault = self.misbehave.ask(seen);
        if (!fault || fault->done_before) act(seen, request.body, response);
        if (fault) apply(*fault, response);
        if (part) --parts_now;
    }

    void apply(const Fault& fault, httplib::Response& response) {
        response.body.clear();
        response.status = fault.status;
        for (const auto& [name, value] : fault.headers) response.set_header(name, value);
        switch (fault.kind) {
        case Fault::Body::plain:
            response.set_content(fault.body, "application/xml");
            break;
        case Fault::Body::cut: {
            auto some = fault.body.substr(0, fault.after);
            response.set_content_provider(
                fault.body.size(), "application/octet-stream",
                [some](std::size_t at, std::size_t, httplib::DataSink& sink) {
                    if (at >= some.size()) return false;
                    return sink.write(some.data() + at, some.size() - at);
                }
            );
            break;
        }
        case Fault::Body::silent:
            response.set_content_provider(
                10, "application/xml",
                [this](std::size_t, std::size_t, httplib::DataSink&) {
                    std::unique_lock lock(mutex);
                    changed.wait(lock, [this] { return released; });
                    return false;
                }
            );
            break;
        case Fault::Body::endless:
            response.set_chunked_content_provider(
                "application/xml",
                [body = fault.body](std::size_t, httplib::DataSink& sink) {
                    return sink.write(body.data(), body.size());
                }
            );
        }
    }

    void refuse(httplib::Response& response, int status, const std::string& code) {
        response.status = status;
        response.set_content(error_document(code), "application/xml");
    }

    void act(const Seen& seen, const std::string& body, httplib::Response& response) {
        if (!seen.path.starts_with("/tests")) return refuse(response, 404, "NoSuchBucket");
        if (seen.header("authorization").find("AWS4-HMAC-SHA256 Credential=key/") != 0)
            return refuse(response, 403, "InvalidAccessKeyId");
        if (seen.header("x-amz-content-sha256") != crypto::sha256(body).hex())
            return refuse(response, 400, "XAmzContentSHA256Mismatch");
        if (auto md5 = seen.header("content-md5");
            !md5.empty() && md5 != crypto::base64_encode(crypto::md5(body)))
            return refuse(response, 400, "BadDigest");
        auto key = seen.path.size() > 7 ? seen.path.substr(7) : std::string();
        std::lock_guard lock(mutex);
        if (key.empty()) return act_on_bucket(seen, body, response);
        if (seen.method == "PUT" && seen.asks("partNumber")) {
            auto upload = parts.find(seen.query.at("uploadId"));
            if (upload == parts.end()) return refuse(response, 404, "NoSuchUpload");
            upload->second.bytes[std::stoi(seen.query.at("partNumber"))] = body;
            response.set_header("ETag", etag_of(body));
        } else if (seen.method == "PUT") {
            objects[key] = body;
            etags.erase(key);
            response.set_header("ETag", etag_of(body));
        } else if (seen.method == "POST" && seen.asks("uploads")) {
            auto id = "upload-" + std::to_string(++next);
            parts[id].key = key;
            response.set_content(
                "<InitiateMultipartUploadResult><UploadId>" + id +
                    "</UploadId></InitiateMultipartUploadResult>",
                "application/xml"
            );
        } else if (seen.method == "POST") {
            complete(seen.query.at("uploadId"), body, response);
        } else if (seen.method == "DELETE" && seen.asks("uploadId")) {
            if (parts.erase(seen.query.at("uploadId")) == 0)
                return refuse(response, 404, "NoSuchUpload");
            response.status = 204;
        } else if (seen.method == "DELETE") {
            objects.erase(key);
            response.status = 204;
        } else {
            auto found = objects.find(key);
            if (found == objects.end()) return refuse(response, 404, "NoSuchKey");
            auto multipart = etags.find(key);
            auto tag = multipart == etags.end() ? etag_of(found->second) : multipart->second;
            if (auto match = seen.header("if-match"); !match.empty() && match != tag)
                return refuse(response, 412, "PreconditionFailed");
            response.set_header("ETag", tag);
            response.set_content(found->second, "application/octet-stream");
        }
    }

    void complete(const std::string& id, const std::string& body, httplib::Response& response) {
        auto upload = parts.find(id);
        if (upload == parts.end()) return refuse(response, 404, "NoSuchUpload");
        auto document = read_xml(body);
        std::string all, sums;
        int number = 0;
        for (const auto& part : document->children) {
            ++number;
            const auto& bytes = upload->second.bytes[number];
            if (part.at("PartNumber") != std::to_string(number) ||
                part.at("ETag") != etag_of(bytes))
                return refuse(response, 400, "InvalidPart");
            all += bytes;
            sums += crypto::md5(bytes);
        }
        auto tag =
            "\"" + crypto::hex_encode(crypto::md5(sums)) + "-" + std::to_string(number) + "\"";
        objects[upload->second.key] = all;
        etags[upload->second.key] = tag;
        parts.erase(upload);
        response.set_content(
            "\n\n<CompleteMultipartUploadResult><ETag>" + xml_escape(tag) +
                "</ETag></CompleteMultipartUploadResult>",
            "application/xml"
        );
    }

    void act_on_bucket(const Seen& seen, const std::string& body, httplib::Response& response) {
        if (seen.method == "POST" && seen.asks("delete")) {
            auto document = read_xml(body);
            for (const auto& one : document->children)
                if (one.name == "Object") objects.erase(std::string(one.at("Key")));
            return response.set_content("<DeleteResult/>", "application/xml");
        }
        auto prefix = seen.asks("prefix") ? seen.query.at("prefix") : std::string();
        std::string out;
        if (seen.asks("uploads")) {
            for (const auto& [id, upload] : parts)
                if (upload.key.starts_with(prefix))
                    out += "<Upload><Key>" + xml_escape(upload.key) + "</Key><UploadId>" + id +
                           "</UploadId></Upload>";
            return response.set_content(
                "<ListMultipartUploadsResult>" + out + "</ListMultipartUploadsResult>",
                "application/xml"
            );
        }
        auto from =
            seen.asks("continuation-token") ? seen.query.at("continuation-token") : std::string();
        std::size_t count = 0;
        std::string last;
        for (auto one = objects.upper_bound(from); one != objects.end(); ++one) {
            if (!one->first.starts_with(prefix)) continue;
            if (count == self.page) {
                out += "<IsTruncated>true</IsTruncated><NextContinuationToken>" + last +
                       "</NextContinuationToken>";
                break;
            }
            ++count;
            last = one->first;
            out += "<Contents><Key>" + uri_encode(last) + "</Key><Size>" +
                   std::to_string(one->second.size()) + "</Size>";
            if (auto at = modified.find(last); at != modified.end())
                out += "<LastModified>" + at->second + "</LastModified>";
            out += "</Contents>";
        }
        response.set_content(
            "<ListBucketResult xmlns=\"x\"><EncodingType>url</EncodingType>" + out +
                "</ListBucketResult>",
            "application/xml"
        );
    }

    struct Upload {
        std::string key;
        std::map<int, std::string> bytes;
    };

    FakeS3& self;
    Certified certified;
    httplib::SSLServer http;
    int port = 0;
    std::thread thread;
    std::mutex mutex;
    std::condition_variable changed;
    bool released = false;
    std::atomic<std::size_t> parts_now{0};
    std::map<std::string, std::string> objects;
    std::map<std::string, std::string> etags; ///< of those that were multipart uploads
    std::map<std::string, std::string> modified;
    std::map<std::string, Upload> parts;
    std::vector<Seen> log;
    int next = 0;
};

FakeS3::FakeS3() : server_(std::make_unique<Server>(*this)) {}
FakeS3::~FakeS3() = default;

proto::Storage FakeS3::storage() const {
    proto::Storage storage;
    storage.endpoint = "https://127.0.0.1:" + std::to_string(server_->port);
    storage.region = "auto";
    storage.bucket = "tests";
    storage.access_key = "key";
    storage.ca = ca();
    return storage;
}

std::string FakeS3::ca() const {
    return server_->certified.ca;
}

std::map<std::string, std::string> FakeS3::objects() const {
    std::lock_guard lock(server_->mutex);
    return server_->objects;
}

void FakeS3::set_object(
    const std::string& key, std::string bytes, std::optional<Timestamp> modified
) {
    std::lock_guard lock(server_->mutex);
    if (modified) server_->modified[key] = to_rfc3339(*modified);
    server_->objects[key] = std::move(bytes);
    server_->etags.erase(key);
}

std::size_t FakeS3::uploads() const {
    std::lock_guard lock(server_->mutex);
    return server_->parts.size();
}

std::vector<Seen> FakeS3::seen() const {
    std::lock_guard lock(server_->mutex);
    return server_->log;
}

std::size_t FakeS3::count(const std::string& method, const std::string& asks) const {
    std::size_t count = 0;
    for (const auto& one : seen())
        count += one.method == method && (asks.empty() || one.asks(asks));
    return count;
}

void FakeS3::release() {
    server_->release();
}

void FakeS3::stop() {
    server_->stop();
}

} // namespace fairlead::bucket
