// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// The parts that the op log and its indexes are made of.
@Suite struct OpLogPartsTests {
    @Test(arguments: [
        ("notes", "notes"), ("Notes", "notes+1"), ("aBCd", "abcd+6"), ("ABCDE", "abcde+f1"),
        ("a.b_c~d-e", "a.b_c~d-e"), ("abcdE", "abcde+01"),
    ])
    func aDatabaseHasADirectoryNameOfItsOwn(name: String, directory: String) {
        #expect(DatabaseDirectoryName.encode(DatabaseID(name)) == directory)
        #expect(DatabaseDirectoryName.decode(directory) == DatabaseID(name))
    }

    @Test func theLongestNameFitsIntoADirectoryName() {
        let name = DatabaseID(String(repeating: "Z", count: 128))

        #expect(DatabaseDirectoryName.encode(name).utf8.count <= 255)
        #expect(DatabaseDirectoryName.decode(DatabaseDirectoryName.encode(name)) == name)
    }

    @Test(arguments: [
        "A", "a+0", "a+2", "a+10", "a+", "a+1+1", "a+g", "+1", "", "..", "a b", "1+1",
    ])
    func otherNamesAreNoDatabases(name: String) {
        #expect(DatabaseDirectoryName.decode(name) == nil)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func rangesOfOperationNumbersActAsASet(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var ranges = OperationIDRanges()
        var reference: Set<UInt64> = []
        for _ in 0..<200 {
            let number = UInt64.random(in: 1...120, using: &generator)
            if reference.insert(number).inserted { ranges.insert(OperationID(number)) }
        }

        for number in 0...130 as ClosedRange<UInt64> {
            #expect(ranges.contains(OperationID(number)) == reference.contains(number))
        }
        #expect(ranges.highest.rawValue == reference.max() ?? 0)
        // Disjoint, ascending, and never two that could be one.
        for (range, next) in zip(ranges.ranges, ranges.ranges.dropFirst()) {
            #expect(range.upperBound + 1 < next.lowerBound)
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func theLatestTenThousandKeepTheirCursorsInWhateverOrderTheyCame(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var recent = RecentOperations()
        var order: [(number: UInt64, cursor: UInt64)] = []
        var fresh: UInt64 = 1
        var skipped: [UInt64] = []
        var cursor: UInt64 = 0
        for _ in 0..<12_000 {
            cursor += UInt64.random(in: 1...3, using: &generator)
            var number = fresh
            if !skipped.isEmpty, UInt64.random(in: 0..<10, using: &generator) == 0 {
                number = skipped.remove(at: Int.random(in: 0..<skipped.count, using: &generator))
            } else {
                if UInt64.random(in: 0..<5, using: &generator) == 0 { skipped.append(fresh) }
                if skipped.last == fresh { number += 1 }
                fresh = number + 1
            }
            recent.append(OperationID(number), at: Cursor(cursor))
            order.append((number, cursor))
        }

        for (index, entry) in order.enumerated() {
            let expected = index < order.count - 10_000 ? nil : Cursor(entry.cursor)
            #expect(recent.cursor(of: OperationID(entry.number)) == expected)
        }
        #expect(recent.cursor(of: OperationID(fresh + 1)) == nil)
    }

    @Test func anEntityTableTellsNamesApartByBytes() {
        var table = EntityTable<Int>()
        let keys: [(CollectionName, EntityID)] = [
            ("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("a", "\u{E9}"), ("a", "e\u{301}"),
        ]
        for (index, key) in keys.enumerated() {
            EntityKeyBytes.with(key.0, key.1) { bytes in _ = table.set(bytes, index) }
        }
        for number in 0..<5_000 {
            EntityKeyBytes.with("many", EntityID("\(number)")) { _ = table.set($0, 100 + number) }
        }

        for (index, key) in keys.enumerated() {
            #expect(EntityKeyBytes.with(key.0, key.1) { table[$0] } == index)
        }
        for number in 0..<5_000 {
            #expect(
                EntityKeyBytes.with("many", EntityID("\(number)")) { table[$0] } == 100 + number)
        }
        #expect(EntityKeyBytes.with("many", "5000") { table[$0] } == nil)
        #expect(table.count == 5_006)
    }

    @Test func mergingATableSetsItsValues() {
        var table = EntityTable<Int>()
        var other = EntityTable<Int>()
        for number in 0..<100 {
            EntityKeyBytes.with("c", EntityID("\(number)")) { _ = table.set($0, number) }
            EntityKeyBytes.with("c", EntityID("\(number + 50)")) { _ = other.set($0, -number) }
        }

        table.merge(other) { _, _ in }

        #expect(table.count == 150)
        #expect(EntityKeyBytes.with("c", "49") { table[$0] } == 49)
        #expect(EntityKeyBytes.with("c", "60") { table[$0] } == -10)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func scanningAStoredOperationFindsWhatDecodingFinds(seed: UInt64) throws {
        var random = RandomPushes(seed: seed)
        for var stored in random.nextPush(ReferenceServer()).1 {
            stored.cursor = Cursor(seed * 1_000 + 1)
            stored.labels = random.chance(50) ? ["a": .text("b"), "longer": .number(1 << 40)] : [:]
            stored.hybridTimestamp = random.chance(50) ? HybridTimestamp(1 << 60) : nil
            let bytes = [9, 9] + stored.encoded()
            try bytes.withUnsafeBytes { buffer in
                let found = try #require(StoredOperation(buffer, 2..<bytes.count))
                #expect(buffer[found.collection].elementsEqual(stored.collection.rawValue.utf8))
                #expect(buffer[found.entityID].elementsEqual(stored.entityID.rawValue.utf8))
                #expect(buffer[found.deviceID].elementsEqual(stored.deviceID.rawValue.utf8))
                #expect(found.operationID == stored.operationID)
                #expect(found.cursor == stored.cursor)
                #expect(found.version == stored.entityVersion)
                #expect(found.isDelete == (stored.kind == .delete))
                // A byte more or less is no operation, and nothing is read outside.
                for end in 2..<bytes.count { #expect(StoredOperation(buffer, 2..<end) == nil) }
            }
        }
    }

    @Test(arguments: 0..<2_000 as Range<UInt64>)
    func scanningDamagedBytesNeverReadsOutside(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var stored = operation(1, "e", base: 0)
        stored.cursor = 1
        var bytes = stored.encoded()
        for _ in 0...3 {
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
                UInt8.random(in: 0...255, using: &generator)
        }

        bytes.withUnsafeBytes { buffer in
            guard let found = StoredOperation(buffer, 0..<bytes.count) else { return }
            #expect(found.collection.upperBound <= bytes.count)
            #expect(found.entityID.upperBound <= bytes.count)
            #expect(found.deviceID.upperBound <= bytes.count)
        }
    }

    @Test func aGroupIsTakenApartAsItWasPutTogether() throws {
        var builder = LogGroupBuilder(firstCursor: 7)
        builder.append([1], continuesTransaction: false)
        builder.append([2, 2], continuesTransaction: true)
        builder.append([], continuesTransaction: false)

        let group = try LogGroup(builder.framed(committedAtMilliseconds: 99)[0].payload[...])

        #expect(group.firstCursor == 7 && group.lastCursor == 9 && group.count == 3)
        #expect(group.committedAtMilliseconds == 99)
        var found: [(Cursor, [UInt8], Bool)] = []
        group.forEach(from: 8) { entry, bytes in
            found.append((entry.cursor, Array(bytes[entry.range]), entry.continuesTransaction))
            return true
        }
        #expect(found.map(\.0) == [8, 9])
        #expect(found.map(\.1) == [[2, 2], []])
        #expect(found.map(\.2) == [true, false])
        #expect(builder.operation(at: 8).map(Array.init) == [2, 2])
        #expect(builder.operation(at: 10) == nil)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func framesHoldWholeTransactionsAndNoMoreThanTheyMust(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var builder = LogGroupBuilder(firstCursor: 5)
        let target = Int.random(in: 0...60, using: &generator)
        for number in 0..<Int.random(in: 1...40, using: &generator) {
            builder.append(
                [UInt8](
                    repeating: UInt8(number), count: Int.random(in: 0...20, using: &generator)),
                continuesTransaction: number > 0 && Bool.random(using: &generator))
        }

        let payloads = builder.framed(committedAtMilliseconds: 1, bytesTarget: target)

        var bytes: [UInt8] = []
        var next = Cursor(5)
        var sizes: [(total: Int, first: Int, transactions: Int)] = []
        for (cursors, payload) in payloads {
            let group = try LogGroup(payload[...])
            #expect(group.firstCursor == next && cursors == group.firstCursor...group.lastCursor)
            next = group.lastCursor.next
            var size = (total: 0, first: 0, transactions: 0)
            group.forEach(from: .start) { entry, buffer in
                #expect(entry.cursor != group.firstCursor || !entry.continuesTransaction)
                if !entry.continuesTransaction { size.transactions += 1 }
                if size.transactions == 1 { size.first += entry.range.count }
                size.total += entry.range.count
                bytes.append(contentsOf: buffer[entry.range])
                return true
            }
            #expect(size.total <= target || size.transactions == 1)
            sizes.append(size)
        }
        #expect(next == builder.nextCursor)
        #expect(bytes == builder.operations)
        // No two frames could be one, and no transaction could have gone into the frame before.
        for (frame, following) in zip(sizes, sizes.dropFirst()) {
            #expect(frame.total + following.first > target)
        }
    }

    @Test(arguments: [0, 2, 4, 8, 32, 36, 40, 46, 50, 54])
    func aGroupWhoseNumbersDoNotAddUpIsRefused(byte: Int) {
        var builder = LogGroupBuilder(firstCursor: 7)
        builder.append([1], continuesTransaction: false)
        var payload = builder.framed(committedAtMilliseconds: 1)[0].payload
        payload[byte] = byte == 8 ? 0 : payload[byte] ^ 16

        #expect(throws: LogGroupFault.self) { try LogGroup(payload[...]) }
        for count in 0..<payload.count {
            #expect(throws: LogGroupFault.self) { try LogGroup(payload[..<count]) }
        }
    }
}
