// SPDX-License-Identifier: MIT

import RecordLog

/// An op log, or a small file beside it, that could not be opened, read or written.
struct OpLogError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of error it is, for programs to decide on.
    enum Code: Sendable, Equatable {
        /// What was durable once is gone or changed. Nothing was written since it was found.
        case damaged
        /// The disk refused or failed.
        case io
        /// The files were written by a later version of this program.
        case newerFormat
        /// An earlier write or sync failed; the log takes nothing more until it is opened again.
        case readOnly
    }

    /// What kind of error it is.
    var code: Code
    /// The file that it is about.
    var path: String
    /// The byte in the file, where there is one.
    var offset: UInt64?
    /// What happened and what to do next. It may name files of this machine: for the operator.
    var message: String
    /// The same for a stranger: without paths.
    var publicMessage: String

    /// The file, the byte and the message.
    var description: String {
        "\(path)\(offset.map { " at byte \($0)" } ?? ""): \(message)"
    }

    static func damaged(_ path: String, at offset: UInt64?, _ finding: String) -> OpLogError {
        OpLogError(
            code: .damaged, path: path, offset: offset,
            message: "\(finding). Nothing was changed. Copy the database's directory away, restore "
                + "it from a backup, and start the server again.",
            publicMessage: damagedPublicMessage)
    }

    static func newerFormat(_ path: String, at offset: UInt64, _ finding: String) -> OpLogError {
        OpLogError(
            code: .newerFormat, path: path, offset: offset,
            message: "\(finding). Update the program; nothing was changed.",
            publicMessage: newerFormatPublicMessage)
    }

    static func readOnly(_ path: String, because reason: OpLogError) -> OpLogError {
        OpLogError(
            code: .readOnly, path: path, offset: nil,
            message: "The log takes no more operations, because: \(reason.message)",
            publicMessage: readOnlyPublicMessage)
    }
}

extension OpLogError {
    init(_ error: FileSystemError) {
        self.init(
            code: .io, path: error.path, offset: nil, message: error.description,
            publicMessage: "The server's disk failed: \(error.message).")
    }

    init(_ error: RecordLogError) {
        let code: Code
        let publicMessage: String
        switch error.code {
        case .io(let cause):
            self.init(cause)
            return
        case .readOnly: (code, publicMessage) = (.readOnly, Self.readOnlyPublicMessage)
        case .newerFormat:
            (code, publicMessage) = (.newerFormat, Self.newerFormatPublicMessage)
        case .damaged, .notARecordLog, .wrongPurpose, .outOfRange, .tooLarge:
            (code, publicMessage) = (.damaged, Self.damagedPublicMessage)
        }
        self.init(
            code: code, path: error.path, offset: error.offset, message: error.message,
            publicMessage: publicMessage)
    }

    private static let newerFormatPublicMessage =
        "This database was written by a later version of the server."

    private static let damagedPublicMessage =
        "This database's files are damaged and it is closed; the server's own log names the file. "
        + "Other databases are not affected."

    private static let readOnlyPublicMessage =
        "The database is read-only since a write to its log failed. Pulls go on; pushes work again "
        + "after the operator restarted the server."
}

/// Runs `body`, and throws what a record log throws as an op log's error.
func mappingLogErrors<Result>(
    _ body: () throws(RecordLogError) -> Result
) throws(OpLogError) -> Result {
    do throws(RecordLogError) { return try body() } catch { throw OpLogError(error) }
}

/// Runs `body`, and throws what the disk throws as an op log's error.
func mappingDiskErrors<Result>(
    _ body: () throws(FileSystemError) -> Result
) throws(OpLogError) -> Result {
    do throws(FileSystemError) { return try body() } catch { throw OpLogError(error) }
}
