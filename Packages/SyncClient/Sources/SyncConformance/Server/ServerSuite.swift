// SPDX-License-Identifier: MIT

import CBOR
import Synchronization

/// The checks of one rule or several, in a file of their own.
typealias ServerChecks = [ConformanceSuite<ServerUnderTest>.Entry]

extension ConformanceSuite where Subject == ServerUnderTest {
    /// How many requests a server may leave unanswered before nothing more is asked.
    private static var silencesMax: Int { 5 }

    /// The check, unless the server has been silent too often.
    private static func patiently(_ entry: Entry) -> Entry {
        Entry(entry.check) { server in
            let silences = server.silences.value.load(ordering: .relaxed)
            guard silences < silencesMax else {
                throw ConformanceSkip("\(silences) requests were left unanswered before.")
            }
            try entry.body(server)
        }
    }

    /// Every rule of the protocol that can be seen from outside a server.
    public static var server: ConformanceSuite {
        ConformanceSuite(name: "server", entries: ServerRules.all.map(patiently))
    }
}

/// The rules of the server suite: a list for each group, in files of their own.
enum ServerRules {
    /// All groups, in the order of the protocol's sections.
    static let all: ServerChecks =
        http + ambiguity + bodies + status + encoding + refusedEncoding + handshake + names
        + database + push + pushShape + pushValues + exactlyOnce + conflict + laterConflict
        + transaction + pull + pages + waiting + cursor + errors + limits + concurrency
        + olderPeer + live

    /// A check in a database of its own, which the device has made.
    static func rule(
        _ name: String, _ section: String, _ expectation: String,
        _ body: @escaping @Sendable (Device) throws -> Void
    ) -> ConformanceSuite<ServerUnderTest>.Entry {
        .init(name, section, expectation) { server in try body(try server.makeDevice()) }
    }

    /// A check for each row of a table, each in a database of its own. A row's name is the last
    /// level of the check's.
    static func rules<Row: Sendable>(
        _ name: String, _ section: String, _ expectation: String, _ rows: [(String, Row)],
        _ body: @escaping @Sendable (Device, Row) throws -> Void
    ) -> ServerChecks {
        rows.map { word, row in
            rule("\(name)/\(word)", section, expectation) { device in try body(device, row) }
        }
    }
}

extension Device {
    /// Throws unless the log holds exactly these operations of devices, in this order.
    func expectLog(
        _ wanted: [(device: String, opID: UInt64)], _ why: String
    ) throws(ConformanceFailure) {
        let want = wanted.map { "\($0.device) \($0.opID)" }.joined(separator: ", ")
        var texts: [String] = []
        for operation in try pullAll() {
            texts.append("\(try operation.text("deviceId")) \(try operation.uint("opId"))")
        }
        let got = texts.joined(separator: ", ")
        guard got.utf8.elementsEqual(want.utf8) else {
            throw ConformanceFailure(
                "\(why), and then a pull from 0 shows [\(got)] instead of [\(want)].")
        }
    }

    /// Throws unless the log is empty, and no cursor was given.
    func expectNothingStored(_ why: String) throws(ConformanceFailure) {
        try expectLog([], why)
        let page = try pull()
        try page.expect(
            page.serverCursor == 0,
            "\(why), and then serverCursor is \(page.serverCursor) instead of 0.")
    }

    /// Pushes one upsert that has to be accepted, and returns its cursor.
    @discardableResult
    func write(
        _ opID: UInt64, _ entityID: String, _ content: String = "", base: UInt64 = 0,
        _ changes: [String: CBORValue?] = [:]
    ) throws(ConformanceFailure) -> UInt64 {
        let changes = ["base": .unsigned(base)].merging(changes) { $1 }
        let settlement = try push([operation(opID, entityID, content, changes)])
        return try settlement.cursor(of: opID)
    }
}

extension Settlement {
    /// The cursor of an operation that has to be accepted.
    func cursor(of opID: UInt64) throws(ConformanceFailure) -> UInt64 {
        guard let cursor = accepted[opID] else {
            throw failure("Operation \(opID) is not accepted.")
        }
        return cursor
    }
}
