/// What is measured on a server and in each of its environments, by name (README.md section 19).
/// The agent sends whole numbers as they stand; the controller makes rates of counters.
#pragma once

#include <boost/describe/class.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace fairlead::proto {

enum class MeasureKind {
    gauge,  ///< as it is now
    counter ///< grows, and begins anew when what it counts does
};

struct Measure {
    std::string_view name;
    MeasureKind kind;
    std::string_view help;
};

/// A statement that runs for longer is slow.
inline constexpr auto slow_statement = std::chrono::seconds(5);
/// A transaction that does nothing for longer holds others up.
inline constexpr auto idle_transaction = std::chrono::seconds(60);
/// A scheduled action that is due for longer is late: Odoo looks every minute.
inline constexpr auto late_action = std::chrono::minutes(5);

inline constexpr std::size_t most_measured_environments = 200;
/// Of one server or environment; a reader ignores names that it does not know.
inline constexpr std::size_t most_measures = 64;

inline constexpr std::array server_measures{
    Measure{"swap_used_bytes", MeasureKind::gauge, "Swap space in use"},
    Measure{"network_in_bytes", MeasureKind::counter, "Bytes received, without the loopback"},
    Measure{"network_out_bytes", MeasureKind::counter, "Bytes sent, without the loopback"},
    Measure{"pg_connections", MeasureKind::gauge, "Clients of PostgreSQL"},
    Measure{"pg_most_connections", MeasureKind::gauge, "Clients that PostgreSQL lets in"},
    Measure{"pg_active", MeasureKind::gauge, "Clients whose statement runs"},
    Measure{"pg_slow", MeasureKind::gauge, "Statements that run for longer than 5 s"},
    Measure{"pg_waiting", MeasureKind::gauge, "Statements that wait for a lock"},
    Measure{
        "pg_idle_in_transaction", MeasureKind::gauge,
        "Transactions in which nothing is done for longer than a minute"},
    Measure{"pg_longest_ms", MeasureKind::gauge, "The statement that runs for the longest"},
    Measure{"pg_transactions", MeasureKind::counter, "Transactions that ended"},
    Measure{"pg_deadlocks", MeasureKind::counter, "Deadlocks"},
    Measure{"pg_bytes", MeasureKind::gauge, "Size of all databases"},
};

inline constexpr std::array environment_measures{
    Measure{"memory_bytes", MeasureKind::gauge, "Memory of its processes"},
    Measure{"processes", MeasureKind::gauge, "Its processes: Odoo's first one and its workers"},
    Measure{"cpu_ms", MeasureKind::counter, "Processor time"},
    Measure{"requests", MeasureKind::counter, "HTTP requests that were answered"},
    Measure{"failures", MeasureKind::counter, "Of these, answered with 500 or above"},
    Measure{"request_ms", MeasureKind::counter, "Time that requests took, added up"},
    Measure{"connections", MeasureKind::gauge, "Connections to its database"},
    Measure{"slow", MeasureKind::gauge, "Its statements that run for longer than 5 s"},
    Measure{"waiting", MeasureKind::gauge, "Its statements that wait for a lock"},
    Measure{"database_bytes", MeasureKind::gauge, "Size of its database"},
    Measure{"cron_late", MeasureKind::gauge, "Scheduled actions that are due for over 5 min"},
    Measure{"cron_late_s", MeasureKind::gauge, "How long the one that waits longest is due"},
};

/// What the link asks the process that measures; the answer is proto::Measures as JSON.
struct MeasureOpening {
    /// 1: also what costs more, the sizes of databases and the scheduled actions.
    unsigned deep = 0;
};
BOOST_DESCRIBE_STRUCT(MeasureOpening, (), (deep))

} // namespace fairlead::proto
