// SPDX-License-Identifier: MIT

import CBOR
import RecordLog
public import SyncProtocol

/// What a database holds, for a checker that trusts nothing.
@_spi(Simulation)
public struct DatabaseInspection: Sendable, Equatable {
    /// The identity of the log.
    public var logID: LogID
    /// The highest durable cursor.
    public var head: Cursor
    /// The highest cursor of a tombstone that was dropped.
    public var oldestCursor: Cursor
    /// Everything in the log, in cursor order, as decoded from its frames.
    public var operations: [SyncOperation]
    /// The index of entities, a line for each, in bytewise order: collection and id, cursor,
    /// version, operation, device, whether it is deleted.
    public var entities: [String]
    /// The accepted operations of each device that has any, as ranges of their numbers.
    public var accepted: [DeviceID: [ClosedRange<UInt64>]]
    /// Why the log takes no more operations, if it does not.
    public var failure: String?
}

extension ServerCore {
    /// Looks into a database; `nil` if there is none, or if it is closed because of damage.
    ///
    /// Complexity: reads the whole log.
    /// - Throws: `ServerCoreError` if the log cannot be read.
    public func inspect(_ databaseID: DatabaseID) throws(ServerCoreError) -> DatabaseInspection? {
        let database: Database<Disk>
        do throws(ServiceFailure) {
            database = try service.database(databaseID)
        } catch {
            return nil
        }
        return DatabaseInspection(
            logID: database.logID, head: database.head,
            oldestCursor: database.log.oldestCursor, operations: try operations(of: database),
            entities: database.entities.lines { revision in
                "\(revision.cursor) \(revision.version) \(revision.operationID) "
                    + "\(database.devices[revision.device].deviceID) \(revision.isDeleted)"
            },
            accepted: Dictionary(
                uniqueKeysWithValues: database.devices.records
                    .filter { !$0.accepted.ranges.isEmpty }
                    .map { ($0.deviceID, $0.accepted.ranges) }),
            failure: database.log.failure.map { "\($0)" })
    }

    /// The segments of a database's log: what tells each from the one that may take its place, by
    /// its first cursor. None if the database is not open.
    public func segments(of databaseID: DatabaseID) -> [Cursor: UInt64] {
        guard case .open(let database)? = service.databases[databaseID] else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: database.log.segments.map { ($0.firstCursor, $0.identity) })
    }

    /// Why a database is closed; `nil` if it is not.
    public func damage(of databaseID: DatabaseID) -> String? {
        guard case .damaged(let error)? = service.databases[databaseID] else { return nil }
        return error.description
    }

    private func operations(
        of database: Database<Disk>
    ) throws(ServerCoreError) -> [SyncOperation] {
        var operations: [SyncOperation] = []
        var fault: String?
        do throws(OpLogError) {
            try database.log.forEachGroup(after: .start) { group in
                group.forEach(from: group.firstCursor) { entry, bytes in
                    do throws(CBORError) {
                        operations.append(
                            try SyncOperation(
                                decoding: [UInt8](
                                    UnsafeRawBufferPointer(rebasing: bytes[entry.range]))))
                        return true
                    } catch {
                        fault = "\(error)"
                        return false
                    }
                }
                return fault == nil
            }
        } catch {
            fault = error.description
        }
        if let fault { throw ServerCoreError(description: fault) }
        return operations
    }

    /// What `verify` says of a database's files: how much is there, or what is wrong.
    ///
    /// Complexity: reads the whole log.
    public static func verification(
        of databaseID: DatabaseID, in directory: String, on disk: Disk
    ) -> String {
        let place = DataDirectory(path: directory, disk: disk).place(of: databaseID)
        let found = DatabaseVerification.verify(place, on: disk)
        if let damage = found.damage { return damage.description }
        return "\(found.operations) operations, head \(found.head), oldest \(found.oldestCursor)"
    }

    /// Gives a database of a closed server another identity, as restoring it from a copy does.
    ///
    /// - Returns: The new identity; `nil` if the directory holds no database.
    public static func renewLogID(
        ofDatabaseIn directory: String, on disk: Disk,
        using generator: inout some RandomNumberGenerator
    ) throws(ServerCoreError) -> LogID? {
        do throws(OpLogError) {
            guard var identity = try DatabaseIdentity.read(in: directory, on: disk) else {
                return nil
            }
            identity.logID = .makeRandom(using: &generator)
            try identity.write(in: directory, on: disk)
            return identity.logID
        } catch {
            throw ServerCoreError(description: error.description)
        }
    }
}

extension EntityTable<EntityRevision> {
    /// A line for each entity, in bytewise order.
    func lines(_ describe: (EntityRevision) -> String) -> [String] {
        entries.indices.map { index in
            "\(name(of: index)) \(describe(entries[index].value))"
        }.sorted()
    }
}
