#include "agent.hpp"

#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

namespace fairlead::test {

Agent::Agent(World& of, ServerId id) : world(of), server(std::move(id)) {}

proto::Hello Agent::hello() const {
    proto::Hello hello;
    hello.protocol = protocol;
    hello.oldest_protocol = proto::oldest_protocol;
    hello.version = version;
    hello.journal = journal;
    hello.highest_fence = highest_fence;
    hello.last_seq = last_seq;
    hello.acknowledged = acknowledged;
    hello.time_ms = to_ms(world.clock.now());
    std::set<std::string> active;
    for (const auto& [id, operation] : known)
        if (!operation.finished) active.insert(id);
    for (const auto& report : reports) active.insert(report.operation);
    hello.active.assign(active.begin(), active.end());
    return hello;
}

void Agent::connect() {
    inbox.clear();
    fleet::AgentIdentity identity{world.org, server, "test"};
    auto greeting = world.core->agents.hello(identity, hello());
    if (!greeting) {
        refused = greeting.error();
        return;
    }
    link.emplace(greeting->link);
    for (auto& message : greeting->messages) inbox.push_back(std::move(message));
    auto& welcome = std::get<proto::Welcome>(inbox.front());
    acknowledged = std::max(acknowledged, welcome.acknowledged);
    std::erase_if(reports, [&](const auto& report) { return report.seq <= welcome.acknowledged; });
    inbox.pop_front();
}

void Agent::disconnect() {
    if (!link) return;
    REQUIRE(world.core->agents.closed(*link));
    link.reset();
    inbox.clear();
}

void Agent::fetch() {
    for (bool more = true; more;) {
        auto due = world.core->agents.due(*link);
        if (!due) {
            refused = due.error();
            return;
        }
        auto sent = std::exchange(world.links.sent[link->id], {});
        for (const auto& text : sent) inbox.push_back(proto::decode_to_agent(text).value());
        more = *due && !sent.empty();
    }
}

void Agent::add(proto::Report report) {
    report.seq = ++last_seq;
    report.at_ms = to_ms(world.clock.now());
    reports.push_back(std::move(report));
}

void Agent::again(const std::string& id) {
    auto found = known.find(id);
    proto::Report report;
    report.operation = id;
    if (found == known.end() || found->second.finished) {
        report.kind = proto::ReportKind::finished;
        report.finished.emplace();
        if (found == known.end())
            report.finished->error = proto::OperationError{
                "journal_unknown", "The server's journal does not know this operation.", ""};
        else
            report.finished = found->second.finished;
    }
    add(std::move(report));
}

void Agent::take(std::size_t index) {
    auto message = inbox.at(index);
    inbox.erase(inbox.begin() + static_cast<std::ptrdiff_t>(index));
    if (auto* deliver = std::get_if<proto::Deliver>(&message)) {
        const auto& id = deliver->operation.id;
        if (known.contains(id)) return again(id);
        for (const auto& [other, operation] : known)
            REQUIRE(operation.fence != deliver->operation.fence);
        auto& operation = known[id];
        operation.fence = deliver->operation.fence;
        operation.operation = deliver->operation;
        ++operation.runs;
        highest_fence = std::max(highest_fence, operation.fence);
        proto::Report report;
        report.operation = id;
        add(std::move(report));
    } else if (auto* cancel = std::get_if<proto::Cancel>(&message)) {
        auto found = known.find(cancel->operation);
        if (found != known.end() && !found->second.finished)
            found->second.cancel = true;
        else
            again(cancel->operation);
    } else if (auto* query = std::get_if<proto::Query>(&message)) {
        again(query->operation);
    }
}

void Agent::take_all() {
    while (!inbox.empty()) take();
}

bool Agent::report(std::size_t count, bool heed_ack) {
    proto::Reports batch;
    for (const auto& report : reports) {
        if (batch.reports.size() == count) break;
        batch.reports.push_back(report);
    }
    auto ack = world.core->agents.reports(*link, batch);
    if (!ack) {
        refused = ack.error();
        return false;
    }
    if (!heed_ack) return true;
    acknowledged = std::max(acknowledged, ack->seq);
    std::erase_if(reports, [&](const auto& report) { return report.seq <= ack->seq; });
    return true;
}

void Agent::step(
    const std::string& id, std::string name, proto::StepState state, std::uint32_t index
) {
    proto::Report report;
    report.operation = id;
    report.kind = proto::ReportKind::step;
    report.step = proto::StepReport{index, 3, name, "Step " + name, state, 50, ""};
    add(std::move(report));
}

void Agent::log(const std::string& id, std::string text) {
    proto::Report report;
    report.operation = id;
    report.kind = proto::ReportKind::log;
    report.lines.push_back(
        {to_ms(world.clock.now()), proto::LogLevel::info, "fetch", std::move(text)}
    );
    add(std::move(report));
}

void Agent::finish(
    const std::string& id, proto::Outcome outcome, proto::OperationResult result, std::string error
) {
    proto::Finished finished;
    finished.outcome = outcome;
    finished.result = std::move(result);
    if (!error.empty())
        finished.error = proto::OperationError{std::move(error), "It did not work.", "migrate"};
    known.at(id).finished = finished;
    proto::Report report;
    report.operation = id;
    report.kind = proto::ReportKind::finished;
    report.finished = std::move(finished);
    add(std::move(report));
}

std::vector<std::string> Agent::unfinished() const {
    std::vector<std::string> found;
    for (const auto& [id, operation] : known)
        if (!operation.finished) found.push_back(id);
    return found;
}

void Agent::lose_journal() {
    known.clear();
    reports.clear();
    journal += "'";
    last_seq = acknowledged = highest_fence = 0;
}

void Agent::settle() {
    if (!link) connect();
    for (int round = 0; round < 20; ++round) {
        fetch();
        take_all();
        for (const auto& id : unfinished())
            finish(id, known.at(id).cancel ? proto::Outcome::cancelled : proto::Outcome::succeeded);
        while (!reports.empty()) REQUIRE(report());
    }
}

} // namespace fairlead::test
