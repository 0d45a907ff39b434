// Thousands of fake agents in one process, told what to do line by line on standard input; each
// line is answered by one JSON object on a line. What drives it is tests/bench/fleet.ts.
//
//     site ADDRESS PORT NAME COOKIE ORG   ca FILE       where the controller is and whom to trust
//     enrol COUNT TOKEN…                  keys, CSRs and POST /api/v1/agent/enroll
//     start COUNT AT_ONCE                 so many agents come, so many dialling at a time (0: all)
//     await COUNT SECONDS                 until so many are online
//     cut COUNT                           break links, wait until all are back
//     stop | forget                       all hang up | the next dials are full handshakes
//     facts on|off   journal FILE|off     whether agents tell facts; whether reports are made
//     durable trip COUNT                          API call to durable result, one after another
//     sync FILE COUNT                     write 4 KiB and fdatasync, so often
//     stats
//     pki FOLDER                          an authority, a server's and a client's certificate, for
//     peers mqtt PORT COUNT AT_ONCE | mqtt-stop
#include "common/crypto/p256.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/x509.hpp"
#include "tests/bench/fleet/commands.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/serialize.hpp>

#include <malloc.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <thread>

using namespace fairlead;
using namespace fairlead::bench;

namespace {

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

Task<> serve(Commands& commands, Lines& lines) {
    for (;;) {
        auto line = co_await lines.next();
        if (!line) break;
        auto words = words_of(*line);
        if (words.empty()) continue;
        boost::json::object answer;
        std::string failure;
        try {
            auto done = co_await commands.run(words);
            if (done)
                answer = *std::move(done);
            else
                failure = done.error().message();
        } catch (const std::exception& broken) {
            failure = broken.what();
        }
        if (!failure.empty()) answer["error"] = failure;
        std::cout << boost::json::serialize(answer) << std::endl;
    }
    std::_Exit(0); // thousands of links need no goodbye here
}

} // namespace

int main() {
    crypto::start();
    std::signal(SIGPIPE, SIG_IGN); // peers may go first
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);

    asio::io_context io(1);
    Commands commands(io.get_executor());
    Lines lines(io.get_executor());
    std::thread reader([&] {
        for (std::string line; std::getline(std::cin, line);)
            asio::post(io, [&lines, line] { lines.push(line); });
        asio::post(io, [&lines] { lines.push(std::nullopt); });
    });
    reader.detach();
    asio::co_spawn(io, commands.keep_alive(), [](std::exception_ptr) {});
    asio::co_spawn(io, serve(commands, lines), [](std::exception_ptr broken) {
        if (broken) std::rethrow_exception(broken);
    });
    io.run();
}
