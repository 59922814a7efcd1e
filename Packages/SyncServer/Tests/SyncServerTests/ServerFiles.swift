// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport

@testable import SyncServer

/// All that the files of one database hold, as the service shows it.
struct DatabaseContent: Equatable, CustomStringConvertible {
    var logID: LogID
    var operations: [SyncOperation]
    /// What each device has applied; devices at 0 are left out, as the log alone makes them.
    var cursors: [DeviceID: Cursor]

    var description: String {
        let numbers = operations.map { "\($0.deviceID)/\($0.operationID)@\($0.cursor ?? 0)" }
        return "\(numbers) \(cursors)"
    }
}

/// The files of a server on a simulated disk.
enum ServerFiles {
    typealias Content = [DatabaseID: DatabaseContent]

    static let directory = "data"
    static let databases: [DatabaseID] = ["db", "Other"]

    /// Where a database has its files.
    static func path(_ name: String, of databaseID: DatabaseID = "db") -> String {
        "\(directory)/databases/\(DatabaseDirectoryName.encode(databaseID))/\(name)"
    }

    /// The segments of a database, in order.
    static func segments(_ disk: SimulatedDisk, of databaseID: DatabaseID = "db") throws -> [String]
    {
        try disk.contentsOfDirectory(at: path("log", of: databaseID)).filter {
            $0.hasSuffix(".seg")
        }.map {
            path("log/\($0)", of: databaseID)
        }
    }

    /// Segments of a few operations.
    static var configuration: ServiceConfiguration {
        var configuration = ServiceConfiguration()
        configuration.segmentBytesMax = 500
        return configuration
    }

    /// Starts a service and shows what is there; the first damage that it reports is thrown.
    static func open(_ disk: SimulatedDisk) throws -> OpenedFiles<Content> {
        let server = try ServiceUnderTest(configuration, disk: disk, shakesHands: false)
        var content: Content = [:]
        for (databaseID, slot) in server.service.databases {
            switch slot {
            case .closed: throw ServiceFailure.databaseNotFound
            case .damaged(let error):
                guard server.told.contains(where: { $0.contains("\(error)") }) else {
                    throw ServiceStartError(description: "the operator was not told of \(error)")
                }
                throw DamageReport(path: error.path, offset: error.offset, message: error.message)
            case .open(let database):
                var cursors: [DeviceID: Cursor] = [:]
                for device in database.devices.records where device.cursor > 0 {
                    cursors[device.deviceID] = device.cursor
                }
                content[databaseID] = DatabaseContent(
                    logID: database.logID,
                    operations: try server.wholeLog(database: databaseID), cursors: cursors)
            }
        }
        return OpenedFiles(content, repairs: UInt64(server.told.count)) { server.service.close() }
    }
}
