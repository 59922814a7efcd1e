// SPDX-License-Identifier: MIT

import CBOR
import RecordLog
import SyncProtocol

/// Which database a directory holds: the file `database`, written last when a database is made, so
/// that a directory without it is an unfinished creation.
struct DatabaseIdentity: Equatable {
    /// The database's name.
    var databaseID: DatabaseID
    /// Its log's identity.
    var logID: LogID
    /// When it was made, in milliseconds since 1970.
    var createdAtMilliseconds: UInt64

    static func path(in directory: String) -> String { directory + "/database" }

    /// Makes the identity durable.
    func write(in directory: String, on disk: some FileSystem) throws(OpLogError) {
        var writer = CBORWriter()
        writer.writeMapHeader(count: 3)
        writer.write(text: "dbId" as StaticString)
        writer.write(text: databaseID.rawValue)
        writer.write(text: "logId" as StaticString)
        writer.write(bytes: logID.bytes)
        writer.write(text: "createdAtMs" as StaticString)
        writer.write(uint: createdAtMilliseconds)
        try ChecksummedFile.replace(
            Self.path(in: directory), purpose: "ESDB", body: writer.bytes, on: disk)
    }

    /// Reads the identity of a directory; `nil` if it has none.
    static func read(
        in directory: String, on disk: some FileSystem
    ) throws(OpLogError) -> DatabaseIdentity? {
        let path = path(in: directory)
        guard let body = try ChecksummedFile.read(path, purpose: "ESDB", on: disk) else {
            return nil
        }
        return try ChecksummedFile.decode(body, of: path) { reader throws(CBORError) in
            var name: DatabaseID?
            var logID: LogID?
            var createdAt: UInt64 = 0
            try reader.readMap { reader, key throws(CBORError) in
                switch key {
                case "dbId": name = DatabaseID(try reader.readText())
                case "logId": logID = LogID(try reader.readBytes())
                case "createdAtMs": createdAt = try reader.readUInt()
                default: try reader.skip()
                }
            }
            guard let name, name.isValid, let logID else {
                throw reader.error(.missingKey, "dbId and logId are required.")
            }
            return DatabaseIdentity(
                databaseID: name, logID: logID, createdAtMilliseconds: createdAt)
        }
    }
}

/// How a database's name becomes a directory's.
///
/// Names that differ only in case must not share a directory where the file system ignores case.
/// So the directory's name is in lower case, and if that changed anything, `+` and hexadecimal
/// digits follow: bit `b` (of value 2^b) of digit `d` says that character `4d + b` is a capital,
/// and zeros at the end are left out. `+` is in no database's name.
enum DatabaseDirectoryName {
    /// The directory's name for a database with a valid name.
    static func encode(_ databaseID: DatabaseID) -> String {
        var name: [UInt8] = []
        var capitals: [UInt8] = []
        for (index, byte) in databaseID.rawValue.utf8.enumerated() {
            let isCapital = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
            name.append(isCapital ? byte + 32 : byte)
            guard isCapital else { continue }
            while capitals.count <= index / 4 { capitals.append(0) }
            capitals[index / 4] |= 1 << UInt8(index % 4)
        }
        var text = String(decoding: name, as: UTF8.self)
        if !capitals.isEmpty { text += "+" + capitals.map { String($0, radix: 16) }.joined() }
        return text
    }

    /// The database of a directory; `nil` for a name that `encode` does not give.
    static func decode(_ name: String) -> DatabaseID? {
        let parts = name.utf8.split(separator: UInt8(ascii: "+"), omittingEmptySubsequences: false)
        guard parts.count <= 2, let lower = parts.first else { return nil }
        var bytes = Array(lower)
        if parts.count == 2 {
            for (digit, byte) in parts[1].enumerated() {
                guard let bits = UInt8(String(decoding: [byte], as: UTF8.self), radix: 16) else {
                    return nil
                }
                for bit in 0..<4 where bits & 1 << UInt8(bit) != 0 {
                    let index = 4 * digit + bit
                    guard index < bytes.count else { return nil }
                    bytes[index] &= 0xDF
                }
            }
        }
        let databaseID = DatabaseID(String(decoding: bytes, as: UTF8.self))
        return databaseID.isValid && encode(databaseID).utf8.elementsEqual(name.utf8)
            ? databaseID : nil
    }
}
