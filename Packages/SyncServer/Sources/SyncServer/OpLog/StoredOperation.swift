// SPDX-License-Identifier: MIT

import SyncProtocol

/// What opening and filtering need to know of an operation in the log, found without decoding it.
///
/// It reads only what the server itself wrote: Core Deterministic Encoding, checked by the frame's
/// checksum. It is still strict, and refuses whatever else it meets; it never reads outside its
/// bytes. Texts are ranges into them, and nothing is allocated.
struct StoredOperation {
    /// Where the collection's UTF-8 lies.
    private(set) var collection = 0..<0
    /// Where the entity's UTF-8 lies.
    private(set) var entityID = 0..<0
    /// Where the device's name lies.
    private(set) var deviceID = 0..<0
    /// The device's number for it.
    private(set) var operationID = OperationID(0)
    /// Its position.
    private(set) var cursor = Cursor.start
    /// The entity's revision count after it.
    private(set) var version = EntityVersion(0)
    /// Whether it deletes its entity.
    private(set) var isDelete = false

    /// Scans the operation that is all of `bytes[range]`; `nil` for anything that this server does
    /// not write. The ranges count from the start of `bytes`.
    init?(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        guard range.lowerBound >= 0, range.upperBound <= bytes.count else { return nil }
        var scanner = DeterministicScanner(
            bytes: bytes, position: range.lowerBound, end: range.upperBound)
        guard let count = scanner.argument(major: 5) else { return nil }
        var seen = 0
        for _ in 0..<count {
            guard let key = scanner.string(major: 3),
                let isKnown = take(key, from: &scanner)
            else { return nil }
            if isKnown { seen += 1 }
        }
        guard seen == 7, scanner.position == range.upperBound else { return nil }
    }

    /// Reads the value of a key; `nil` for a fault, and `false` for a key that is not of interest.
    private mutating func take(_ key: Range<Int>, from scanner: inout DeterministicScanner) -> Bool?
    {
        // Core Deterministic Encoding orders keys by length first, so the length alone tells most.
        switch key.count {
        case 4 where scanner.equals(key, "opId"):
            guard let number = scanner.argument(major: 0) else { return nil }
            operationID = OperationID(number)
        case 6 where scanner.equals(key, "cursor"):
            guard let number = scanner.argument(major: 0) else { return nil }
            cursor = Cursor(number)
        case 6 where scanner.equals(key, "opType"):
            guard let kind = scanner.string(major: 3) else { return nil }
            isDelete = scanner.equals(kind, "delete")
        case 8 where scanner.equals(key, "deviceId"):
            guard let text = scanner.string(major: 3) else { return nil }
            deviceID = text
        case 8 where scanner.equals(key, "entityId"):
            guard let text = scanner.string(major: 3) else { return nil }
            entityID = text
        case 10 where scanner.equals(key, "collection"):
            guard let text = scanner.string(major: 3) else { return nil }
            collection = text
        case 13 where scanner.equals(key, "entityVersion"):
            guard let number = scanner.argument(major: 0) else { return nil }
            version = EntityVersion(number)
        default: return scanner.skip() ? false : nil
        }
        return true
    }
}

/// Walks over deterministic CBOR of the few shapes that an operation has.
private struct DeterministicScanner {
    let bytes: UnsafeRawBufferPointer
    var position: Int
    let end: Int

    /// Reads a head of the major type and returns its argument.
    mutating func argument(major: UInt8) -> UInt64? {
        guard let (found, argument) = head(), found == major else { return nil }
        return argument
    }

    /// Reads a string of the major type and returns where its content lies.
    mutating func string(major: UInt8) -> Range<Int>? {
        guard let length = argument(major: major), length <= UInt64(end - position) else {
            return nil
        }
        let start = position
        position += Int(length)
        return start..<position
    }

    /// Steps over one item: a scalar, a string, or a map of those (labels).
    mutating func skip() -> Bool {
        var left: UInt64 = 1
        while left > 0 {
            guard let (major, argument) = head() else { return false }
            left -= 1
            switch major {
            case 0, 1, 7: break
            case 2, 3:
                guard argument <= UInt64(end - position) else { return false }
                position += Int(argument)
            case 5:
                guard argument <= UInt64(end - position) else { return false }
                left += 2 * argument
            default: return false
            }
        }
        return true
    }

    func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        text.withUTF8Buffer { expected in
            guard expected.count == range.count else { return false }
            for index in 0..<expected.count where bytes[range.lowerBound + index] != expected[index]
            { return false }
            return true
        }
    }

    private mutating func head() -> (major: UInt8, argument: UInt64)? {
        guard position < end else { return nil }
        let initial = bytes[position]
        position += 1
        let information = initial & 31
        if information < 24 { return (initial >> 5, UInt64(information)) }
        guard information < 28 else { return nil }
        let width = 1 << Int(information - 24)
        guard width <= end - position else { return nil }
        var argument: UInt64 = 0
        for index in 0..<width { argument = argument << 8 | UInt64(bytes[position + index]) }
        position += width
        return (initial >> 5, argument)
    }
}
