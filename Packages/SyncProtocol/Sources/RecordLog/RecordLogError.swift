// SPDX-License-Identifier: MIT

/// A record log that could not be opened, read or written as asked.
public struct RecordLogError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of error it is, for programs to decide on.
    public enum Code: Sendable, Equatable {
        /// Bytes that were known to be synced fail their checksum or are gone. Nothing was changed.
        case damaged
        /// The file does not begin as a record log does.
        case notARecordLog
        /// The file was written in a later version of the format than this program knows.
        case newerFormat
        /// The file is a record log of another purpose than the one asked for.
        case wrongPurpose
        /// The log takes no more records: it was opened for reading, was closed, or an earlier
        /// write or sync failed, which the message names.
        case readOnly
        /// The disk refused or failed.
        case io(FileSystemError)
        /// The record is larger than the log allows.
        case tooLarge
        /// No synced record begins at the offset, or the range leaves the record's payload.
        case outOfRange
    }

    /// What kind of error it is.
    public var code: Code
    /// The log's file.
    public var path: String
    /// The byte in the file that the error is about, where there is one.
    public var offset: UInt64?
    /// What happened and what to do next, in a sentence or two.
    public var message: String

    /// Creates an error about the log at `path`.
    public init(code: Code, path: String, offset: UInt64?, message: String) {
        self.code = code
        self.path = path
        self.offset = offset
        self.message = message
    }

    /// The file, the byte, what happened and what to do, in one line.
    public var description: String {
        "\(path)\(offset.map { " at byte \($0)" } ?? ""): \(message)"
    }
}

extension RecordLogError {
    static func damaged(_ path: String, at offset: UInt64, _ finding: String) -> RecordLogError {
        RecordLogError(
            code: .damaged, path: path, offset: offset,
            message: "\(finding). Nothing was changed. Copy the file away and restore it from a "
                + "backup; the records before this byte are whole and can still be read.")
    }

    static func io(_ error: FileSystemError) -> RecordLogError {
        RecordLogError(
            code: .io(error), path: error.path, offset: nil, message: error.description)
    }

    static func outOfRange(_ path: String, at offset: UInt64, _ finding: String) -> RecordLogError {
        RecordLogError(
            code: .outOfRange, path: path, offset: offset,
            message: "\(finding). Rebuild whatever index the offset came from.")
    }
}

/// Runs `body`, and throws what the disk throws as a record log's error.
func reportingIO<Result>(
    _ body: () throws(FileSystemError) -> Result
) throws(RecordLogError) -> Result {
    do throws(FileSystemError) { return try body() } catch { throw .io(error) }
}
