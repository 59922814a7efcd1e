// SPDX-License-Identifier: MIT

import Foundation
import HTTPWire
import RecordLog
import SyncProtocol
import SyncTestSupport
import Synchronization
import Testing

@testable import SyncServer

/// What `GET /metrics` says, in the text format that Prometheus reads.
@Suite struct MetricsTests {
    /// A page, read back by the rules of the format.
    private struct Page {
        var kinds: [String: String] = [:]
        var values: [String: Double] = [:]

        init(_ text: String) throws {
            #expect(text.hasSuffix("\n"))
            var family = ""
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                if words[0] == "#" {
                    if words[1] == "TYPE" {
                        family = words[2]
                        #expect(kinds.updateValue(words[3], forKey: family) == nil)
                    } else {
                        #expect(words[1] == "HELP" && !words[3].isEmpty)
                    }
                    continue
                }
                #expect(line.hasPrefix(family), "\(line) stands below \(family)")
                let (name, value) = try split(String(line))
                #expect(values.updateValue(value, forKey: name) == nil, "\(name) is there twice")
            }
        }

        private func split(_ line: String) throws -> (String, Double) {
            let space = try #require(line.lastIndex(of: " "))
            return (
                String(line[..<space]),
                try #require(Double(line[line.index(after: space)...]), "\(line)")
            )
        }
    }

    @Test(arguments: [(0.0, 0), (1, 0), (1.5, 1), (2, 1), (9, 2), (11, 3)] as [(Double, Int)])
    func aValueCountsInTheFirstRangeThatReachesIt(value: Double, range: Int) {
        var histogram = Histogram(bounds: [1, 2, 10])
        histogram.add(value)
        #expect(histogram.counts.firstIndex(of: 1) == range)
        #expect((histogram.count, histogram.sum) == (1, value))
    }

    @Test func rangesOfAHistogramAddUp() throws {
        var histogram = Histogram(bounds: [0.5, 2])
        for value in [0.25, 1, 1, 7] { histogram.add(value) }
        var text = MetricsText()
        text.begin("h", .histogram, "Some.")
        text.add("h", labels: [("a", "b")], histogram)

        let page = try Page(text.text)
        #expect(page.kinds == ["h": "histogram"])
        #expect(page.values[#"h_bucket{a="b",le="0.5"}"#] == 1)
        #expect(page.values[#"h_bucket{a="b",le="2"}"#] == 3)
        #expect(page.values[#"h_bucket{a="b",le="+Inf"}"#] == 4)
        #expect(page.values[#"h_sum{a="b"}"#] == 9.25)
        #expect(page.values[#"h_count{a="b"}"#] == 4)
    }

    @Test func labelsAndHelpAreEscaped() {
        var text = MetricsText()
        text.begin("m", .gauge, "a \\ b\nc \"d\"")
        text.add("m", labels: [("l", "a\\b\n\"c\"")], 1)
        #expect(text.text.contains("# HELP m a \\\\ b\\nc \"d\"\n"))
        #expect(text.text.contains("m{l=\"a\\\\b\\n\\\"c\\\"\"} 1\n"))
    }

    @Test func aPageSaysWhatWasPushedAndWhatBecameOfIt() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0), operation(2, "f", base: 0)])
        try server.push([operation(1, "e", base: 0), operation(3, "e", base: 7)])
        try server.push([operation(4, "f", base: 2, delete: true)])

        let page = try Page(server.service.metricsPage(MetricsSources()))

        #expect(page.values[#"entitysync_pushed_operations_total{result="accepted"}"#] == 3)
        #expect(page.values[#"entitysync_pushed_operations_total{result="duplicate"}"#] == 1)
        #expect(page.values[#"entitysync_pushed_operations_total{result="rejected"}"#] == 0)
        #expect(page.values[#"entitysync_conflicts_total{policy="detect"}"#] == 1)
        #expect(page.values[#"entitysync_conflicts_total{policy="merge"}"#] == 0)
        #expect(page.values["entitysync_commit_seconds_count"] == 2)
        #expect(page.values["entitysync_commit_operations_sum"] == 3)
        #expect(page.values[#"entitysync_database_cursor{database="db"}"#] == 3)
        #expect(page.values[#"entitysync_database_entities{database="db"}"#] == 1)
        #expect(page.values[#"entitysync_database_tombstones{database="db"}"#] == 1)
        #expect(page.values[#"entitysync_database_device_lag_max{database="db"}"#] == 3)
        #expect(page.values[#"entitysync_databases{state="usable"}"#] == 1)
    }

    @Test func asManyDatabasesAreShownAsAreBoundedAndNoMore() throws {
        let server = try ServiceUnderTest()
        let most = SyncService<SimulatedDisk>.metricsDatabasesMax
        for number in 0..<(most + 3) {
            try server.handshake("a", database: DatabaseID("n\(number)"))
        }
        let page = try Page(server.service.metricsPage(MetricsSources()))
        let shown = page.values.keys.filter { $0.hasPrefix("entitysync_database_cursor") }
        #expect(shown.count == most)
        let open = server.service.databases.values.count {
            if case .open = $0 { true } else { false }
        }
        #expect(page.values["entitysync_databases_not_shown"] == Double(open - most))
    }

    @Test func syncsAreMeasuredFailedOnesToo() throws {
        let now = SteppingClock()
        let times = SyncTimes { now.next() }
        let disk = SimulatedDisk()
        let measured = MeasuredFileSystem(base: disk, times: times)
        let file = try measured.openFile(at: "f", .createNew)
        try file.write([1, 2, 3], at: 0)
        try file.sync()
        disk.failNextCall(errorNumber: FileSystemError.Number.inputOutput)
        #expect(throws: FileSystemError.self) { try file.sync() }
        #expect(times.seconds.count == 2)
        #expect(times.seconds.sum == 0.002)
        #expect(try file.read(count: 3, at: 0) == [1, 2, 3])
    }

    @Test func residentMemoryIsTheSecondNumberOfPages() throws {
        let disk = SimulatedDisk()
        try disk.openFile(at: "statm", .createNew).write(Array("100 7 3 1\n".utf8), at: 0)
        #expect(
            ProcessFigures.residentBytes(in: "statm", on: disk) == 7 * SystemClock.pageBytes)
        #expect(ProcessFigures.residentBytes(in: "nowhere", on: disk) == nil)
    }

    /// Whoever sees a name on the page finds it in the manual.
    @Test func eachMetricIsInTheManual() throws {
        let server = try ServiceUnderTest()
        try server.handshake("a")
        let page = try Page(
            server.service.metricsPage(
                MetricsSources(
                    syncs: SyncTimes { 0 }, sockets: SocketCounts(),
                    process: ProcessFigures(
                        startSeconds: 0, cpuSeconds: 0, residentBytes: 1))))
        let manual = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../../../../doc/operations.md"), encoding: .utf8)
        for name in page.kinds.keys { #expect(manual.contains("`\(name)`"), "\(name)") }
    }
}

/// A clock that goes on by a millisecond each time it is asked.
private final class SteppingClock: Sendable {
    private let time = Mutex<UInt64>(0)

    func next() -> UInt64 {
        time.withLock { time in
            time += 1_000_000
            return time
        }
    }
}
