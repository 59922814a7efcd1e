// SPDX-License-Identifier: MIT

import SyncProtocol

/// The fixed part of a group, checked together with all that it says about the other parts.
struct LogGroupHeader {
    var isFirstFormat: Bool
    var count: Int
    var firstCursor: UInt64
    var lastCursor: UInt64
    var committedAt: UInt64
    var nameCount = 0
    var namesStart = 0
    var tableStart: Int
    var operationsStart: Int
    var operationsEnd: Int

    init(_ bytes: UnsafeRawBufferPointer) throws(LogGroupFault) {
        guard bytes.count >= 24 else {
            throw LogGroupFault(message: "The group ends inside its header")
        }
        let format = bytes.littleEndian(at: 0, as: UInt16.self)
        let flags = bytes.littleEndian(at: 2, as: UInt16.self)
        guard format == 1 || format == LogGroup.format, flags == 0 else {
            throw LogGroupFault(
                isNewerFormat: true,
                message: "The group has format \(format) with flags \(flags), and this "
                    + "program knows format \(LogGroup.format) without flags")
        }
        isFirstFormat = format == 1
        count = Int(bytes.littleEndian(at: 4, as: UInt32.self))
        firstCursor = bytes.littleEndian(at: 8, as: UInt64.self)
        if isFirstFormat {
            committedAt = bytes.littleEndian(at: 16, as: UInt64.self)
            tableStart = 24
            operationsEnd = bytes.count
            lastCursor = firstCursor &+ UInt64(count) &- 1
        } else {
            guard bytes.count >= LogGroup.headerLength + LogGroup.linkLength else {
                throw LogGroupFault(message: "The group ends inside its header")
            }
            lastCursor = bytes.littleEndian(at: 16, as: UInt64.self)
            committedAt = bytes.littleEndian(at: 24, as: UInt64.self)
            nameCount = Int(bytes.littleEndian(at: 32, as: UInt32.self))
            namesStart = LogGroup.headerLength
            tableStart = namesStart + Int(bytes.littleEndian(at: 36, as: UInt32.self))
            operationsEnd = bytes.count - LogGroup.linkLength
        }
        operationsStart = tableStart + (isFirstFormat ? 4 : LogGroup.rowLength) * count
        guard operationsStart <= operationsEnd, firstCursor > 0, lastCursor >= firstCursor,
            lastCursor < wireIntegerMax, count > 0 || !isFirstFormat
        else {
            throw LogGroupFault(message: "The group's count or cursors are out of range")
        }
        if !isFirstFormat { try checkNames(bytes) }
        try checkTable(bytes)
    }

    private func checkNames(_ bytes: UnsafeRawBufferPointer) throws(LogGroupFault) {
        var position = namesStart
        for _ in 0..<nameCount {
            guard position + 2 <= tableStart else {
                throw LogGroupFault(message: "The group's names leave their part of it")
            }
            position += 2 + Int(bytes.littleEndian(at: position, as: UInt16.self))
        }
        guard position == tableStart else {
            throw LogGroupFault(message: "The lengths of the group's names do not add up")
        }
    }

    private func checkTable(_ bytes: UnsafeRawBufferPointer) throws(LogGroupFault) {
        var sum = 0
        var row = tableStart
        var next: UInt64 = 0
        for _ in 0..<count {
            sum += Int(bytes.littleEndian(at: row, as: UInt32.self) & ~LogGroup.continuesBit)
            if isFirstFormat {
                row += 4
                continue
            }
            let distance = UInt64(bytes.littleEndian(at: row + 8, as: UInt32.self))
            guard distance >= next, distance <= lastCursor - firstCursor,
                isName(bytes.littleEndian(at: row + 4, as: UInt16.self)),
                isName(bytes.littleEndian(at: row + 6, as: UInt16.self))
            else {
                throw LogGroupFault(
                    message: "A cursor or a name of the group's operations is out of range")
            }
            next = distance + 1
            row += LogGroup.rowLength
        }
        guard sum == operationsEnd - operationsStart else {
            throw LogGroupFault(
                message: "The lengths of the group's operations do not add up")
        }
    }

    private func isName(_ number: UInt16) -> Bool {
        Int(number) < nameCount || number == LogGroup.unnamed
    }
}

/// Why a frame's payload, whose checksum is right, is not a group.
struct LogGroupFault: Error, Equatable {
    /// Whether a later version of this program may know what it is.
    var isNewerFormat = false
    var message: String
}
