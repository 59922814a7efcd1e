// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// What `GET /metrics` says beside what the service has counted.
struct MetricsSources {
    /// How long syncs took, if that is measured.
    var syncs: SyncTimes?
    /// The sockets of the server, if there are any.
    var sockets: SocketCounts?
    /// Figures of the process.
    var process: ProcessFigures?
}

extension SyncService {
    /// How many databases are shown one by one. Each is a dozen lines, and whoever keeps them keeps
    /// them for months.
    static var metricsDatabasesMax: Int { 200 }

    /// The page of `GET /metrics`, in the text format of Prometheus.
    ///
    /// - Complexity: O(n) in databases, and in the devices of those that are shown.
    func metricsPage(_ sources: MetricsSources) -> String {
        var page = MetricsText()
        page.begin("entitysync_build_info", .gauge, "Always 1; the label is the server's version.")
        page.add("entitysync_build_info", labels: [("version", serverVersion)], 1)
        metrics.writeRequests(to: &page)
        metrics.writeOperations(to: &page)
        if let syncs = sources.syncs {
            page.begin("entitysync_fsync_seconds", .histogram, "Time that syncs of files took.")
            page.add("entitysync_fsync_seconds", syncs.seconds)
        }
        sources.sockets?.write(to: &page)
        page.metric(
            "entitysync_waiting_pulls", .gauge, "Pulls that wait for an operation.",
            waitingPullCount)
        writeDatabases(to: &page)
        sources.process?.write(to: &page)
        return page.text
    }

    private func writeDatabases(to page: inout MetricsText) {
        let status = status
        page.begin("entitysync_databases", .gauge, "Databases, by whether they can be used.")
        let usable = status.databases - status.damaged - status.readOnly
        for (state, count) in [
            ("usable", usable), ("damaged", status.damaged), ("readOnly", status.readOnly),
        ] {
            page.add("entitysync_databases", labels: [("state", state)], count)
        }
        let open = databases.compactMap { databaseID, slot -> (DatabaseID, DatabaseFigures)? in
            guard case .open(let database) = slot else { return nil }
            return (databaseID, DatabaseFigures(database))
        }
        let shown = open.sorted { $0.0 < $1.0 }.prefix(Self.metricsDatabasesMax)
        page.metric(
            "entitysync_databases_not_shown", .gauge,
            "Open databases beyond the \(Self.metricsDatabasesMax) that have values of their own.",
            open.count - shown.count)
        for metric in DatabaseFigures.metrics {
            page.begin(metric.name, .gauge, metric.help)
            for (databaseID, figures) in shown {
                page.add(
                    metric.name, labels: [("database", databaseID.rawValue)], metric.value(figures))
            }
        }
    }
}

/// What is shown of one open database.
private struct DatabaseFigures {
    var cursor: UInt64
    var oldestCursor: UInt64
    var entities: Int
    var tombstones: Int
    var bytes: UInt64
    var devices: Int
    var lag: UInt64

    init(_ database: Database<some FileSystem>) {
        let head = database.head.rawValue
        cursor = head
        oldestCursor = database.log.oldestCursor.rawValue
        tombstones = database.tombstoneCount
        entities = database.entities.count - tombstones
        bytes =
            database.log.segments.dropLast().reduce(0) { $0 + $1.byteCount }
            + database.log.active.syncedEnd
        let records = database.devices.records.lazy.filter { $0.deviceID != .server }
        devices = records.count
        lag = records.map { head - min($0.cursor.rawValue, head) }.max() ?? 0
    }

    struct Metric: Sendable {
        var name: String
        var help: String
        var value: @Sendable (DatabaseFigures) -> Double

        init(
            _ name: String, _ help: String, _ value: @escaping @Sendable (DatabaseFigures) -> Double
        ) {
            (self.name, self.help, self.value) = ("entitysync_database_\(name)", help, value)
        }
    }

    static let metrics = [
        Metric("cursor", "The highest cursor that was given.") { Double($0.cursor) },
        Metric("oldest_cursor", "The highest cursor of a tombstone that is no longer kept.") {
            Double($0.oldestCursor)
        },
        Metric("entities", "Entities that are not deleted.") { Double($0.entities) },
        Metric("tombstones", "Deleted entities that are still known.") { Double($0.tombstones) },
        Metric("log_bytes", "Length of the files of the operation log.") { Double($0.bytes) },
        Metric("devices", "Devices that are known.") { Double($0.devices) },
        Metric("device_lag_max", "Cursors that the device farthest behind has not applied.") {
            Double($0.lag)
        },
    ]
}

extension ServerMetrics {
    fileprivate func writeRequests(to page: inout MetricsText) {
        let name = "entitysync_http_requests_total"
        page.begin(name, .counter, "Requests that were answered, by route and status.")
        for (key, count) in requests.sorted(by: { $0.key < $1.key }) {
            page.add(name, labels: [("route", key.route), ("status", "\(key.status)")], count)
        }
        let seconds = "entitysync_http_request_seconds"
        page.begin(
            seconds, .histogram, "Time from the whole request to its answer, by route.")
        for (route, histogram) in requestSeconds.sorted(by: { $0.key < $1.key }) {
            page.add(seconds, labels: [("route", route)], histogram)
        }
    }

    fileprivate func writeOperations(to page: inout MetricsText) {
        let pushed = "entitysync_pushed_operations_total"
        page.begin(pushed, .counter, "Operations of pushes, by what became of them.")
        for (result, count) in [
            ("accepted", operations.accepted), ("duplicate", operations.duplicates),
            ("rejected", operations.rejected),
        ] {
            page.add(pushed, labels: [("result", result)], count)
        }
        let conflicts = "entitysync_conflicts_total"
        page.begin(
            conflicts, .counter, "Operations in conflict, by the policy of their collection.")
        for policy in ServerPolicy.allCases {
            page.add(
                conflicts, labels: [("policy", policy.rawValue)], operations.conflicts[policy] ?? 0)
        }
        page.begin("entitysync_commit_seconds", .histogram, "Time that group commits took.")
        page.add("entitysync_commit_seconds", commitSeconds)
        page.begin(
            "entitysync_commit_operations", .histogram, "Operations that were committed together.")
        page.add("entitysync_commit_operations", groupOperations)
        page.metric(
            "entitysync_committed_bytes_total", .counter,
            "Bytes of operations that were committed.",
            committedBytes)
    }
}

extension SocketCounts {
    fileprivate func write(to page: inout MetricsText) {
        page.metric("entitysync_connections", .gauge, "Connections that are open.", open)
        page.metric(
            "entitysync_connections_total", .counter, "Connections that were accepted.", accepted)
        page.metric(
            "entitysync_received_bytes_total", .counter, "Bytes that were received.", receivedBytes)
        page.metric("entitysync_sent_bytes_total", .counter, "Bytes that were sent.", sentBytes)
    }
}

extension ProcessFigures {
    fileprivate func write(to page: inout MetricsText) {
        page.begin(
            "process_cpu_seconds_total", .counter, "Processor time of user and system, in seconds.")
        page.add("process_cpu_seconds_total", cpuSeconds)
        page.begin(
            "process_start_time_seconds", .gauge, "When the process began, in seconds since 1970.")
        page.add("process_start_time_seconds", startSeconds)
        if let residentBytes {
            page.metric(
                "process_resident_memory_bytes", .gauge, "Memory that is resident, in bytes.",
                residentBytes)
        }
    }
}
