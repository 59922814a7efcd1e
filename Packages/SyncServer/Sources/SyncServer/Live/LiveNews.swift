// SPDX-License-Identifier: MIT

import SyncProtocol

/// What a commit brought, as subscribers are told of it. However many there are, each form of it
/// is encoded once: two filters that let the same operations through share the bytes.
final class LiveNews {
    /// Operations by what lets them through: a bit for each kind that the group has.
    typealias Passing = UInt64

    private let group: LogGroupBuilder
    private let logID: LogID
    private let kinds: [LogGroupBuilder.Kind]
    private var events: [Passing: [UInt8]] = [:]
    private var bodies: [Passing: (chain: ByteChain, count: Int)] = [:]

    init(_ group: LogGroupBuilder, logID: LogID) {
        self.group = group
        self.logID = logID
        // The set's own order differs from process to process.
        kinds = group.kinds.sorted { ($0.collection, $0.device) < ($1.collection, $1.device) }
    }

    /// The cursors that it speaks for.
    var cursors: ClosedRange<Cursor> {
        group.firstCursor...Cursor(group.nextCursor.rawValue - 1)
    }

    /// What of it passes a filter: 0 is nothing; nil if the group has too many kinds of operations
    /// to tell, and is to be read from the log.
    func passing(_ filter: PullFilter) -> Passing? {
        if filter.passesAll { return .max }
        guard kinds.count <= Passing.bitWidth else { return nil }
        var passing: Passing = 0
        for (index, kind) in kinds.enumerated() where passes(kind, filter) {
            passing |= 1 << Passing(index)
        }
        let isAll = passing.nonzeroBitCount == kinds.count
        return isAll ? .max : passing
    }

    /// The events of an event stream.
    func events(_ passing: Passing) -> [UInt8] {
        if let known = events[passing] { return known }
        var writer = AnnouncementWriter()
        group.operations.withUnsafeBytes { bytes in
            forEach(passing) { range in
                if let operation = StoredOperation(bytes, range) {
                    writer.add(operation, in: bytes)
                }
            }
        }
        writer.finish()
        events[passing] = writer.bytes
        return writer.bytes
    }

    /// The body of an `operations` message of a socket, and how many operations it has.
    func body(_ passing: Passing) -> (chain: ByteChain, count: Int) {
        if let known = bodies[passing] { return known }
        var operations = ByteChain()
        var count = 0
        if passing == .max {
            operations.append(group.operations[...])
            count = group.count
        } else {
            var joined: [UInt8] = []
            forEach(passing) { range in
                joined += group.operations[range]
                count += 1
            }
            operations.append(joined[...])
        }
        let chain = LiveMessage.operations(
            operations, count: count, nextCursor: cursors.upperBound, logID: logID)
        bodies[passing] = (chain, count)
        return (chain, count)
    }

    private func forEach(_ passing: Passing, _ body: (Range<Int>) -> Void) {
        var numbers: [LogGroupBuilder.Kind: Int] = [:]
        if passing != .max {
            for (index, kind) in kinds.enumerated() { numbers[kind] = index }
        }
        group.forEach { kind, range in
            if let number = numbers[kind], passing & 1 << Passing(number) == 0 { return }
            body(range)
        }
    }

    private func passes(_ kind: LogGroupBuilder.Kind, _ filter: PullFilter) -> Bool {
        group.withName(kind.collection) { collection in
            group.withName(kind.device) { deviceID in
                filter.passes(collection: collection, deviceID: deviceID)
            }
        }
    }
}
