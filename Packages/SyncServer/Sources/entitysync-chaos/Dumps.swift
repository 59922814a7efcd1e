// SPDX-License-Identifier: MIT

import Foundation

/// What an entity holds: the tokens of the edits that made it, in their order, and some ballast.
struct Sheet: Codable, Equatable, Sendable {
    var tokens: [String]
    var ballast = ""
}

/// An entity in a dump.
struct DumpedEntity: Codable, Equatable, Sendable {
    var tokens: [String]
    /// A digest of its bytes.
    var digest: String
}

/// Something that a device keeps although it did not stand: in the conflict log, or in quarantine.
struct KeptContent: Codable, Equatable, Sendable {
    var key: String
    var tokens: [String]
    var reason: String
}

/// Everything a device holds, when it is quiet.
struct DeviceDump: Codable, Equatable, Sendable {
    var device: String
    /// By `collection/id`.
    var entities: [String: DumpedEntity]
    var kept: [KeptContent]
    /// Operations that wait to be acknowledged.
    var pending: Int
}

/// An operation of the server's log, as a pull shows it.
struct LoggedOperation: Codable, Equatable, Sendable {
    var cursor: UInt64
    var device: String
    var operation: UInt64
    var transaction: UInt64?
    var key: String
    /// `nil` for a delete.
    var entity: DumpedEntity?
}

/// The server's whole log.
struct LogDump: Codable, Equatable, Sendable {
    var operations: [LoggedOperation]

    /// What the log leaves of every entity.
    var entities: [String: DumpedEntity] {
        var entities: [String: DumpedEntity] = [:]
        for operation in operations { entities[operation.key] = operation.entity }
        return entities
    }
}

/// FNV-1a with 64 bits, in hexadecimal: enough to tell contents apart that nobody chose to collide.
func digest(_ bytes: [UInt8]) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return String(hash, radix: 16)
}

/// Dumps as files.
enum DumpFile {
    static func write(_ dump: some Encodable, to path: String) throws {
        try JSONEncoder().encode(dump).write(to: URL(fileURLWithPath: path))
    }

    static func read<Dump: Decodable>(_ type: Dump.Type, from path: String) throws -> Dump {
        try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }
}
